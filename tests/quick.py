"""python -m tests.quick [BASE]: lint, types, and the tests of what changed since BASE (origin/main), in 30 s.

On SQLite, without servers, browser, faults and fuzzing. First the tests of the modules that changed, then the
others of their rooms; what does not fit into the time is left to `make test`.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
SECONDS = 26  # and some more to end
FAILED = 1  # as pytest and mypy say it
CODE = {".py", ".html", ".js", ".css", ".txt"}
NEVER = {"browser", "faults", "fuzz"}
TESTS = [
    BIN / "pytest", "-n", "2", "-x", "--no-header", "-p", "no:schemathesis",
    "-k", "not postgresql and not mariadb", "tests/house/test_architecture.py",
]  # fmt: skip


def ask_git(*command: str) -> list[str]:
    """Return the lines that git prints: none where it knows no such thing."""
    return subprocess.run(["git", *command], cwd=ROOT, capture_output=True, text=True).stdout.splitlines()


def find_changes(base: str) -> list[Path]:
    """Return the files that changed since this branch left `base`, and new ones."""
    left = ask_git("merge-base", base, "HEAD") or ["HEAD"]
    changed = {*ask_git("diff", "--name-only", left[0]), *ask_git("ls-files", "-o", "--exclude-standard")}
    return sorted(map(Path, changed))


def find_tests(changed: Iterable[Path]) -> list[str]:
    """Return the files of tests for what changed, those of the very modules first."""
    first, rest = set(), set()
    for path in changed:
        if path.parts[0] not in ("leadintake", "tests") or path.suffix not in CODE:
            continue
        room = Path("tests", *path.parts[1:-1])
        while not (ROOT / room).is_dir():
            room = room.parent
        stem = path.stem.removeprefix("test_")
        first |= {*ROOT.glob(f"{room}/test_{stem}.py"), *ROOT.glob(f"{room}/test_{stem}_*.py")}
        if room.name not in ("tests", "support") and not path.stem.startswith("test_"):
            rest |= {*ROOT.glob(f"{room}/**/test_*.py")}
    ordered = [*sorted(first), *sorted(rest - first)]
    return [str(file.relative_to(ROOT)) for file in ordered if not NEVER & {*file.parts}]


def main() -> int:
    """Run all beside each other; the exit status is how many failed, stopped ones not counted."""
    end = time.monotonic() + SECONDS
    tests = find_tests(find_changes(sys.argv[1] if len(sys.argv) > 1 else "origin/main"))
    commands = {
        "format": [BIN / "ruff", "format", "--check", "-q", "."], "lint": [BIN / "ruff", "check", "-q", "."],
        "types": [BIN / "mypy", "--no-error-summary"], "tests": [*TESTS, *tests],
    }  # fmt: skip
    failed = 0
    running = {name: subprocess.Popen(command, cwd=ROOT) for name, command in commands.items()}
    for name, process in running.items():
        try:
            failed += (status := process.wait(max(0, end - time.monotonic()))) != 0
            sys.stdout.write(f"{name}: {'FAILED' if status else 'good'}\n")
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
            failed += (status := process.wait()) == FAILED
            sys.stdout.write(f"{name}: {'FAILED' if status == FAILED else 'stopped by the clock'}\n")
    return failed


if __name__ == "__main__":
    sys.exit(main())
