"""python -m benchmarks [NAME …]: measure all, or what is named, on fresh databases; print ratios.

SMOKE=1 runs it with next to nothing, and wants no ratio. `python -m benchmarks grow` is another: grow.py.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks import (
    assigning,
    attacking,
    delivering,
    flooding,
    grow,
    inspecting,
    loading,
    mailing,
    observing,
    pages,
    painting,
    pending,
    recording,
    searching,
    submitting,
    uploading,
    writing,
)
from benchmarks.stage import SMOKE


def main() -> int:
    """Measure and print; the exit status is the number of ratios that are not as wanted."""
    if sys.argv[1:2] == ["grow"]:
        return grow.main(sys.argv[2:])
    missed = 0
    with tempfile.TemporaryDirectory() as folder:
        rooms = (
            pages,
            painting,
            searching,
            submitting,
            pending,
            observing,
            inspecting,
            assigning,
            mailing,
            delivering,
            recording,
            loading,
            flooding,
            uploading,
            attacking,
            writing,
        )
        for measure in (room.measure for room in rooms):
            name = measure.__module__.removeprefix("benchmarks.")
            if sys.argv[1:] and name not in sys.argv[1:]:
                continue
            print(name)
            for what, ratio, allowed in measure(Path(folder)):
                missed += ratio >= allowed and not SMOKE
                print(f"  {what:<66} {ratio:8.2f}  (wanted: below {allowed})")
    return missed


if __name__ == "__main__":
    sys.exit(main())
