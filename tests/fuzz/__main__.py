"""The fuzzer's long form: python -m tests.fuzz --seconds 600 --seed 7, and --case 123 for one again."""

from __future__ import annotations

import argparse
import os
import secrets
import sys
from pathlib import Path

import pytest

parser = argparse.ArgumentParser(prog="tests.fuzz", description=__doc__)
parser.add_argument("--seconds", type=float, default=600)
parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
parser.add_argument("--case", type=int)
asked = parser.parse_args()
os.environ |= {"FUZZ_SECONDS": str(asked.seconds), "FUZZ_SEED": str(asked.seed)}
if asked.case is not None:
    os.environ["FUZZ_CASE"] = str(asked.case)
sys.stdout.write(f"python -m tests.fuzz --seconds {asked.seconds:g} --seed {asked.seed}\n")
file = Path(__file__).with_name("test_fuzzing.py")
sys.exit(pytest.main([str(file), "-q", "-p", "no:cacheprovider", "-vv", "--tb=short"]))
