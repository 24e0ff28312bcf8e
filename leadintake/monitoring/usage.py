"""Resources of this machine's live processes, summed from /proc."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from leadintake.core import procfs
from leadintake.core.slots import PROCESS, Slots

if TYPE_CHECKING:
    from prometheus_client.core import Metric

GAUGES: dict[str, tuple[str, Callable[[Path], int]]] = {
    "leadintake_process_resident_memory_bytes": (
        "Memory of all processes of this machine",
        procfs.resident_bytes,
    ),
    "leadintake_process_open_fds": (
        "Files and sockets that all processes of this machine have open",
        procfs.open_descriptors,
    ),
}


def families(slots: Slots) -> Iterator[Metric]:
    """Yield each gauge; without a number if /proc lists no process."""
    from prometheus_client.core import GaugeMetricFamily

    marks = {entry.number for entry in slots.read() if entry.key == PROCESS}
    for name, (help_text, read) in GAUGES.items():
        family = GaugeMetricFamily(name, help_text)
        if numbers := list(_read_all(marks, read)):
            family.add_metric([], sum(numbers))
        yield family


def _read_all(marks: set[float], read: Callable[[Path], int]) -> Iterator[int]:
    for mark in marks:
        # It may have ended, or belong to another user or a container that shares the folder.
        with contextlib.suppress(OSError):
            yield read(procfs.folder_of(mark))
