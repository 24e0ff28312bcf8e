"""python -m benchmarks [NAME …]: measure all, or what is named, on fresh SQLite databases; print ratios."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks import (
    assigning,
    attacking,
    delivering,
    grow,
    inspecting,
    loading,
    mailing,
    observing,
    pages,
    recording,
    searching,
    submitting,
    writing,
)


def main() -> int:
    """Measure and print; the exit status is the number of ratios that are not as wanted."""
    if sys.argv[1:2] == ["grow"]:
        return grow.main(sys.argv[2:])
    missed = 0
    with tempfile.TemporaryDirectory() as folder:
        rooms = (
            pages,
            searching,
            submitting,
            observing,
            inspecting,
            assigning,
            mailing,
            delivering,
            recording,
            loading,
            attacking,
            writing,
        )
        for measure in (room.measure for room in rooms):
            name = measure.__module__.removeprefix("benchmarks.")
            if sys.argv[1:] and name not in sys.argv[1:]:
                continue
            print(name)
            for what, ratio, allowed in measure(Path(folder)):
                missed += ratio >= allowed
                print(f"  {what:<66} {ratio:8.2f}  (wanted: below {allowed})")
    return missed


if __name__ == "__main__":
    sys.exit(main())
