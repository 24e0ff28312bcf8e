"""A worker reads one request after the other from its socket, and answers each in one line."""

from __future__ import annotations

import json
import socket
import tempfile
import threading
from pathlib import Path
from typing import Any

import pytest

from leadintake.documents.inspection import worker
from leadintake.documents.inspection.worker import Usage, serve

PLAIN = b"Jane Doe\nTen years of contract law.\n"


@pytest.fixture
def clock():
    """The seconds that the clock was set to."""
    return []


@pytest.fixture
def idle():
    """What the worker used when it was idle; None where nobody can tell."""


@pytest.fixture
def asked(clock, idle):
    """Ask a worker that is a thread here; it ends with the test."""
    ours, theirs = socket.socketpair()
    ours.settimeout(20)
    serving = threading.Thread(target=lambda: serve(theirs, idle, clock.append))
    serving.start()

    def ask(content: bytes, *accepted: str) -> dict[str, Any]:
        line = json.dumps({"accepted": accepted}).encode() + b"\n"
        with tempfile.TemporaryFile() as file:
            file.write(content)
            file.flush()
            # In two pieces, as a socket may deliver it.
            socket.send_fds(ours, [line[:5]], [file.fileno()])
            ours.sendall(line[5:])
        return json.loads(ours.recv(worker.MAX_LINE_LENGTH))

    yield ask
    ours.close()
    serving.join()
    theirs.close()


@pytest.fixture(autouse=True)
def _limits_of_addresses_are_for_processes(monkeypatch):
    monkeypatch.setattr(worker, "_limit_addresses", lambda _size: None)


def test_a_file_that_is_accepted_is_told_with_its_flags(asked, clock):
    assert asked(PLAIN, ".txt") == {"kind": ".txt", "flags": [], "last": False}
    assert clock == [worker.CPU_SECONDS, 0]


def test_a_file_of_no_kind_is_told_so(asked):
    assert asked(b"MZ\0\0", ".txt") == {"kind": None, "flags": [], "last": False}


def test_a_refusal_is_told_in_its_words(asked):
    answer = asked(b"%PDF-1.7\nnothing", ".pdf")
    assert "damaged" in answer["refused"]
    assert answer["last"] is False


@pytest.mark.parametrize("error", [MemoryError(), RecursionError(), OSError(28, "No space left on device")])
def test_what_does_not_suffice_ends_the_worker_after_its_answer(asked, monkeypatch, error):
    def fail(_stream, _accepted):
        raise error

    monkeypatch.setattr(worker, "inspect", fail)
    assert asked(PLAIN, ".txt") == {"exhausted": True, "last": True}


def test_a_fault_is_told_with_where_it_is(asked, monkeypatch):
    monkeypatch.setattr(worker, "inspect", lambda _stream, _accepted: {}["nothing"])
    told = asked(PLAIN, ".txt")["failed"]
    assert told.endswith("KeyError")
    assert "in <lambda>" in told
    assert "KeyError: 'nothing'" not in told  # a message may quote the document


def test_the_file_is_closed_after_each_answer(asked):
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        asked(PLAIN, ".txt")
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.parametrize("idle", [Usage(addresses=0, data=0)])
def test_memory_that_is_not_given_back_ends_it(asked):
    assert asked(PLAIN, ".txt") == {"kind": ".txt", "flags": [], "last": True}


def test_without_linux_nothing_is_known_of_the_memory(monkeypatch):
    monkeypatch.setattr(worker, "STATM", Path("/nowhere"))
    assert Usage.now() is None
