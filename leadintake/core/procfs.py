"""Facts about processes from Linux' /proc. Functions raise OSError where it lacks them.

A mark combines pid and start time in one number that fits a float. It tells processes with the same pid
apart, as in containers.
"""

from __future__ import annotations

import os
from pathlib import Path

PROC = Path("/proc")
PID_LIMIT = 2**22
"""Above every pid of Linux (PID_MAX_LIMIT)."""
START_LIMIT = 2**30
START_FIELD = 19
"""Index in `stat`, after the name, of the start time in ticks since boot (proc_pid_stat(5))."""
RESIDENT_FIELD = 1
"""Index in `statm` of the resident pages (proc_pid_statm(5))."""


def own_mark() -> float:
    """Return the mark of this process; 0 without /proc."""
    try:
        return float(_mark(os.getpid()))
    except OSError:
        return 0.0


def folder_of(mark: float) -> Path:
    """Return the /proc folder of the process with this mark. Raises FileNotFoundError if it has none."""
    number = int(mark) % PID_LIMIT
    if not number or _mark(number) != mark:
        raise FileNotFoundError(number)
    return PROC / str(number)


def resident_bytes(folder: Path) -> int:
    """Return the resident memory; each process counts shared pages."""
    return int((folder / "statm").read_bytes().split()[RESIDENT_FIELD]) * os.sysconf("SC_PAGE_SIZE")


def open_descriptors(folder: Path) -> int:
    """Return the number of open files, sockets and pipes."""
    return sum(1 for _ in (folder / "fd").iterdir())


def _mark(number: int) -> int:
    after_name = (PROC / str(number) / "stat").read_bytes().rpartition(b")")[2].split()
    return int(after_name[START_FIELD]) % START_LIMIT * PID_LIMIT + number
