"""python -m tests.mutations [WORD] [--only PREFIX] [-k EXPRESSION]: take safeguards away, each in a copy.

WORD: those whose names have it. PREFIX: those of the files that begin so, below leadintake/. EXPRESSION:
only these of their tests, such as "not postgresql and not mariadb".

Prints a table; the exit status is the number of safeguards that no test missed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.mutations.listed import MUTATIONS
from tests.mutations.mutation import Mutation

ROOT = Path(__file__).parents[2]
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "instance", "uploads", ".*_cache", "*.egg-info")
WAIT_SECONDS = 300
TESTS_FAILED, NO_TESTS = 1, 5
"""Exit statuses of pytest."""


def main() -> int:
    """Try them one after the other."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutations")
    parser.add_argument("word", nargs="?", default="")
    parser.add_argument("--only", default="", metavar="PREFIX")
    parser.add_argument("-k", default="", metavar="EXPRESSION", dest="expression")
    options = parser.parse_args()
    missed = 0
    for mutation in MUTATIONS:
        if options.word in mutation.safeguard and mutation.file.startswith(f"leadintake/{options.only}"):
            noticed_by = _noticed_by(mutation, options.expression)
            missed += not noticed_by
            print(f"| {mutation.safeguard} | `{mutation.file}` | {noticed_by or '**nobody**'} |", flush=True)
    return missed


def _noticed_by(mutation: Mutation, expression: str) -> str:
    """The first test that failed without the safeguard, or nothing."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "leadintake"
        shutil.copytree(ROOT, copy, ignore=LEFT_OUT)
        for needed in ("instance", "uploads"):
            (copy / needed).mkdir()
        mutated = copy / mutation.file
        mutated.write_text(mutation.apply(mutated.read_text()))
        cases = [] if not expression or "-k" in mutation.tests else ["-k", expression]
        options = ["-x", "-q", "-n0", "--no-header", "-p", "no:cacheprovider"]
        command = [sys.executable, "-m", "pytest", *options, *mutation.tests, *cases]
        try:
            ran = subprocess.run(
                command,
                cwd=copy,
                env={**os.environ, "PYTHONPATH": str(copy)},
                capture_output=True,
                text=True,
                check=False,
                timeout=WAIT_SECONDS,
            )
        except subprocess.TimeoutExpired:
            return "one that then never ends"
    if ran.returncode == NO_TESTS and cases:
        return "not tried: no such case"
    if ran.returncode not in (0, TESTS_FAILED):
        raise SystemExit(f"{mutation.safeguard}: the tests did not run\n{ran.stdout}{ran.stderr}")
    failed = [line.split()[1] for line in ran.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return f"`{failed[0].partition('[')[0].rpartition('::')[2]}`" if failed else ""


if __name__ == "__main__":
    sys.exit(main())
