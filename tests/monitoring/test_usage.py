"""What all living processes of the machine use, together, whoever answers."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from leadintake.core import procfs
from leadintake.core.measures import slots_of
from leadintake.core.slots import PROCESS, Slots
from tests.monitoring.test_metrics import samples

MEMORY, FILES = "leadintake_process_resident_memory_bytes", "leadintake_process_open_fds"
HELD_BYTES, HELD_FILES = 128 * 1024 * 1024, 50
ANOTHER = f"""
import os, sys
from pathlib import Path
from leadintake.core.slots import Slots
held, files = b"x" * {HELD_BYTES}, [os.open("/dev/null", os.O_RDONLY) for _ in range({HELD_FILES})]
slots = Slots(Path(sys.argv[1]))
slots.add("leads", 1)
print("ready", flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def another(folder: Path) -> Iterator[None]:
    """Have a second process that counts in the same folder; it ends as a crash ends one."""
    command = [sys.executable, "-c", ANOTHER, str(folder)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert process.stdout.readline() == b"ready\n"
        yield
    finally:
        process.kill()
        process.communicate()


def test_two_processes_are_added_up_while_both_live(app, client):
    memory, files = samples(client, MEMORY), samples(client, FILES)
    assert memory[0] > 0
    assert files[0] > 3
    with another(slots_of(app).folder):
        (both,), (theirs,) = samples(client, MEMORY), samples(client, FILES)
        # Ours moves a little between two scrapes; the other has an interpreter of its own besides.
        assert both - memory[0] > 0.9 * HELD_BYTES
        assert theirs - files[0] > 0.9 * HELD_FILES
    assert both - samples(client, MEMORY)[0] > 0.9 * HELD_BYTES
    assert theirs - samples(client, FILES)[0] > 0.9 * HELD_FILES


def test_a_process_that_counts_in_two_files_is_added_once(app, client):
    (before,) = samples(client, FILES)
    twice = Slots(slots_of(app).folder)
    twice.add("leads", 1)
    assert samples(client, FILES)[0] < 1.5 * before


def test_one_of_another_container_with_the_same_number_is_left_out(app, client):
    slots_of(app).set(PROCESS, procfs.own_mark() + procfs.PID_LIMIT)  # began a tick later
    assert samples(client, MEMORY) == []
    slots_of(app).set(PROCESS, procfs.own_mark())
    assert len(samples(client, MEMORY)) == 1


def test_where_the_kernel_tells_nothing_there_is_no_number(app, client, monkeypatch, tmp_path):
    monkeypatch.setattr(procfs, "PROC", tmp_path)
    assert procfs.own_mark() == 0
    with pytest.raises(FileNotFoundError):
        procfs.folder_of(0)
    assert samples(client, MEMORY) == samples(client, FILES) == []


def test_no_mark_is_larger_than_a_number_of_a_file_can_hold_exactly():
    assert procfs.PID_LIMIT * procfs.START_LIMIT <= 2**53
