"""Numbers that add up over processes and outlive them."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading

import pytest

from leadintake.core import slots as module
from leadintake.core.slots import LIVE_PREFIX, Slots

ANOTHER = """
import sys
from pathlib import Path
from leadintake.core.slots import Slots
slots = Slots(Path(sys.argv[1]))
for _ in range(int(sys.argv[2])):
    slots.add("leads", 1)
slots.add("~busy", 1)
print("counted", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "counts"


def total(slots: Slots, key: str) -> float:
    """A number over all processes."""
    return sum(entry.number for entry in slots.read() if entry.key == key)


def start(folder, times: int) -> subprocess.Popen:
    """Another process that counts, and then waits."""
    command = [sys.executable, "-c", ANOTHER, str(folder), str(times)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"counted\n"
    return process


def end(process: subprocess.Popen) -> None:
    """End it as a crash would."""
    process.kill()
    process.communicate()


def test_processes_add_up_and_what_they_counted_outlives_them(folder):
    mine = Slots(folder)
    mine.add("leads", 2)
    first, second = start(folder, 3), start(folder, 4)
    assert total(mine, "leads") == 9
    assert total(mine, "~busy") == 2
    end(first)
    assert total(mine, "leads") == 9
    assert total(mine, "~busy") == 1  # true of the living alone
    third = start(folder, 5)
    assert total(mine, "leads") == 14
    assert total(mine, "~busy") == 2
    assert len([*folder.glob("*.counts")]) == 3  # the third went on with the file of the first
    end(second)
    end(third)
    assert total(Slots(folder), "leads") == 14


def test_threads_lose_no_count(folder):
    mine = Slots(folder)
    threads = [threading.Thread(target=lambda: [mine.add("leads", 1) for _ in range(500)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert total(mine, "leads") == 2000


def test_the_files_are_for_us_alone(folder):
    Slots(folder).add("leads", 1)
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


@pytest.mark.parametrize("rest", [b"\0" * 40, b"\xff" * 40, b"\1\2", b"=" * 12 + b"\xff" * 8])
def test_a_file_that_a_crash_cut_is_gone_on_with(folder, rest):
    before = Slots(folder)
    before.add("leads", 3)
    del before
    with (folder / "001.counts").open("ab") as file:
        file.write(rest)
    after = Slots(folder)
    after.add("leads", 1)
    after.add("others", 1)
    assert total(after, "leads") == 4
    assert total(Slots(folder), "others") == 1


def test_where_nothing_can_be_written_a_process_counts_for_itself(tmp_path):
    (tmp_path / "counts").write_text("a file, not a folder")
    mine = Slots(tmp_path / "counts")
    mine.add("leads", 1)
    mine.add("leads", 1)
    assert total(mine, "leads") == 2


def test_on_a_full_disk_too(folder, monkeypatch):
    mine = Slots(folder)
    mine.add("leads", 1)

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    mine.add("leads", 1)
    mine.add("others", 1)
    monkeypatch.undo()
    assert (total(mine, "leads"), total(mine, "others")) == (2, 1)
    mine.add("others", 1)
    assert total(Slots(folder), "others") == 2


def test_no_file_grows_without_end(folder, monkeypatch):
    monkeypatch.setattr(module, "MAX_BYTES", 200)
    mine = Slots(folder)
    for number in range(100):
        mine.add(f"leads of {number}", 1)
    assert (folder / "001.counts").stat().st_size <= 200
    assert total(mine, "leads of 99") == 1


def test_a_forked_process_takes_a_file_of_its_own(folder):
    mine = Slots(folder)
    mine.add("leads", 1)
    child = os.fork() if sys.version_info < (3, 12) else None
    if child == 0:  # pragma: no cover - another process
        mine.add("leads", 10)
        os._exit(0)
    if child:
        os.waitpid(child, 0)
        assert total(mine, "leads") == 11
    assert {entry.key for entry in mine.read() if not entry.key.startswith(LIVE_PREFIX)} == {"leads"}
    assert LIVE_PREFIX == "~"
