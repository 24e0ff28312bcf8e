"""python -m tests.mutations [WORD]: take the safeguards (whose names have WORD) away, each in a copy.

Prints a table; the exit status is the number of safeguards that no test missed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.mutations.listed import MUTATIONS, Mutation

ROOT = Path(__file__).parents[2]
LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", "__pycache__", "instance", "uploads", ".*_cache", "*.egg-info"
)
PATIENCE_SECONDS = 300
TESTS_FAILED = 1
"""pytest's exit status; any other says that the tests did not run."""


def main() -> int:
    """Try them all."""
    word = sys.argv[1] if len(sys.argv) > 1 else ""
    missed = 0
    for mutation in MUTATIONS:
        if word in mutation.safeguard:
            noticed_by = _noticed_by(mutation)
            missed += not noticed_by
            print(f"| {mutation.safeguard} | `{mutation.file}` | {noticed_by or '**nobody**'} |", flush=True)
    return missed


def _noticed_by(mutation: Mutation) -> str:
    """The first test that failed without the safeguard, or nothing."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "leadintake"
        shutil.copytree(ROOT, copy, ignore=LEFT_OUT)
        for needed in ("instance", "uploads"):
            (copy / needed).mkdir()
        mutated = copy / mutation.file
        mutated.write_text(mutated.read_text().replace(mutation.old, mutation.new))
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-x",
            "-q",
            "--no-header",
            "-p",
            "no:cacheprovider",
            *mutation.tests,
        ]
        try:
            ran = subprocess.run(
                command,
                cwd=copy,
                env={**os.environ, "PYTHONPATH": str(copy)},
                capture_output=True,
                text=True,
                check=False,
                timeout=PATIENCE_SECONDS,
            )
        except subprocess.TimeoutExpired:
            return "one that then never ends"
    if ran.returncode not in (0, TESTS_FAILED):
        raise SystemExit(f"{mutation.safeguard}: the tests did not run\n{ran.stdout}{ran.stderr}")
    failed = [line.split()[1] for line in ran.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return f"`{failed[0].partition('[')[0].rpartition('::')[2]}`" if failed else ""


if __name__ == "__main__":
    sys.exit(main())
