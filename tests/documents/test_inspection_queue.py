"""Few files are looked into at once, few wait, and nobody's many files stand before another's one."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest
from structlog.testing import capture_logs

from leadintake.documents import inspection_queue as module
from leadintake.documents.inspection_queue import Busy, InspectionQueue, MachineSlots
from tests.support.waiting import until


class Visitor(threading.Thread):
    """Somebody who waits for a turn, tells when it is theirs, and has it until they are told to go."""

    def __init__(self, turns: InspectionQueue, sender: str, called: list[str]) -> None:
        super().__init__()
        self.turns, self.sender, self.called = turns, sender, called
        self.go = threading.Event()
        self.refused = False
        line = len(turns._ring.get(sender, ()))
        self.start()
        until(lambda: len(turns._ring.get(sender, ())) > line or self in self.called or self.refused)

    def run(self) -> None:
        """Wait, have it, and go."""
        try:
            with self.turns.acquire(self.sender):
                self.called.append(self)
                assert self.go.wait(20)
        except Busy:
            self.refused = True

    def leave(self) -> None:
        """End the turn."""
        self.go.set()
        self.join()


@pytest.fixture
def called():
    """Who was called, in order; all go at the end."""
    called: list[Visitor] = []
    yield called
    while any(one.is_alive() for one in threading.enumerate() if isinstance(one, Visitor)):
        for one in called:
            one.leave()


def order(called: list[Visitor], number: int) -> str:
    """Let one after the other go; the senders of the first so many that were called.

    Nobody goes before all who were called have said so.
    """
    turns = called[0].turns
    for place in range(number):
        until(lambda place=place: called[place:] and len(called) - place == turns._running.total())
        called[place].leave()
    return "".join(one.sender for one in called[:number])


def test_no_more_than_the_places_are_taken_at_once(called):
    turns = InspectionQueue(2)
    for _ in range(5):
        Visitor(turns, "a", called)
    assert (len(called), turns.length) == (2, 3)
    called[0].leave()
    until(lambda: len(called) == 3)
    assert turns.length == 2


def test_an_address_alone_is_served_in_the_order_of_its_files(called):
    turns = InspectionQueue(1)
    visitors = [Visitor(turns, "a", called) for _ in range(4)]
    assert order(called, 4) == "aaaa"
    assert called == visitors


def test_who_sends_one_file_waits_for_one_of_anothers_many_at_most(called):
    turns = InspectionQueue(1)
    for sender in "aaaaaaab":
        Visitor(turns, sender, called)
    assert order(called, 8) == "aabaaaaa"


def test_addresses_take_turns_however_many_files_each_has(called):
    turns = InspectionQueue(1)
    for sender in "aaaabbbc":
        Visitor(turns, sender, called)
    assert order(called, 8) == "aabcabab"


def test_an_address_has_one_place_while_another_waits(called):
    turns = InspectionQueue(2)
    for sender in "aaaabc":
        Visitor(turns, sender, called)
    assert "".join(one.sender for one in called) == "aa"
    assert order(called, 5) == "aabac"


def test_a_turn_that_fails_is_free_again(called):
    turns = InspectionQueue(1)
    with pytest.raises(ZeroDivisionError), turns.acquire("a"):
        raise ZeroDivisionError
    Visitor(turns, "a", called)
    assert len(called) == 1


def somebody_waits(places: MachineSlots) -> bool:
    """Whether somebody waits for a place on the machine."""
    with places._open("waiting") as file:
        return not module._try_lock(file)


class TestAQueueThatIsFull:
    def test_takes_nobody_of_the_only_address(self, called, monkeypatch):
        monkeypatch.setattr(module, "MAX_QUEUE_LENGTH", 3)
        turns = InspectionQueue(1)
        visitors = [Visitor(turns, "a", called) for _ in range(5)]
        assert [one.refused for one in visitors] == [False] * 4 + [True]

    def test_takes_another_address_in_the_place_of_the_newest_of_the_busiest(self, called, monkeypatch):
        monkeypatch.setattr(module, "MAX_QUEUE_LENGTH", 3)
        turns = InspectionQueue(1)
        visitors = [Visitor(turns, "a", called) for _ in range(4)]
        other = Visitor(turns, "b", called)
        until(lambda: visitors[-1].refused)
        assert [one.refused for one in (*visitors, other)] == [False, False, False, True, False]
        assert turns.length == 3

    def test_is_so_sooner_when_files_are_slow(self, called):
        turns = InspectionQueue(1, long_queue=3)
        visitors = [Visitor(turns, "a", called) for _ in range(6)]
        assert turns.length == 5  # as far as is known, files are quick
        turns._mean_seconds = 2
        late = Visitor(turns, "a", called)
        assert late.refused
        called[0].leave()
        until(lambda: turns.length == 3 and visitors[-1].refused)
        assert [one.refused for one in visitors] == [False] * 5 + [True]
        turns._mean_seconds = 0.1
        assert not Visitor(turns, "a", called).refused


class TestWaiting:
    def test_ends_when_no_place_becomes_free_in_time(self, called, monkeypatch):
        monkeypatch.setattr(module, "WAIT_SECONDS", 0.1)
        turns = InspectionQueue(1)
        Visitor(turns, "a", called)
        with pytest.raises(Busy), turns.acquire("b"):
            raise AssertionError("there was no place")
        assert turns.length == 0
        called[0].leave()
        with turns.acquire("b"):
            assert turns.length == 0


class TestPlacesOfAMachine:
    def test_are_as_many_as_there_are_whatever_process_takes_them(self, tmp_path, monkeypatch):
        monkeypatch.setattr(module, "WAIT_SECONDS", 0.05)
        one, other = MachineSlots(tmp_path / "places", 2), MachineSlots(tmp_path / "places", 2)
        with one.acquire(), other.acquire(), pytest.raises(Busy), one.acquire():
            raise AssertionError("there was no place")
        with one.acquire(), one.acquire():
            assert (tmp_path / "places").stat().st_mode & 0o777 == 0o700

    def test_become_free_when_a_process_dies(self, tmp_path, monkeypatch):
        monkeypatch.setattr(module, "WAIT_SECONDS", 0.05)
        places = MachineSlots(tmp_path, 1)
        with places.acquire():
            pass
        hold = (
            "import fcntl, os, sys; file = os.open(sys.argv[1], os.O_RDWR);"
            "fcntl.flock(file, fcntl.LOCK_EX); print('locked', flush=True); sys.stdin.read()"
        )
        command = [sys.executable, "-S", "-c", hold, str(tmp_path / "place-0")]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
            assert holder.stdout.readline() == b"locked\n"
            with pytest.raises(Busy), places.acquire():
                raise AssertionError("there was no place")
            holder.kill()
        with places.acquire():
            assert holder.returncode == -9

    def test_go_to_a_process_that_waits_before_one_that_has_had_many(self, tmp_path):
        busy, patient = MachineSlots(tmp_path, 1), MachineSlots(tmp_path, 1)
        had = threading.Event()

        def wait() -> None:
            with patient.acquire():
                had.set()

        waiter = threading.Thread(target=wait)
        turns = 0
        with busy.acquire():
            waiter.start()
            until(lambda: somebody_waits(busy))
        while not had.is_set():
            turns += 1
            with busy.acquire():
                time.sleep(0.005)
        waiter.join()
        assert turns <= 3

    def test_are_not_counted_in_a_folder_that_cannot_be_written(self, tmp_path):
        (tmp_path / "file").touch()
        with capture_logs() as logs, MachineSlots(tmp_path / "file" / "places", 1).acquire():
            pass
        assert [line["event"] for line in logs] == ["inspections_not_counted"]
