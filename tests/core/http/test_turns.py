"""One address does not take the processor from all others."""

from __future__ import annotations

import io
import sys
import threading
import time
from collections.abc import Callable

import pytest
from werkzeug.test import create_environ, run_wsgi_app

from leadintake.core.http import turns
from leadintake.core.http.turns import MAX_AT_ONCE, TakeTurns, Turns


class Crowd:
    """Requests as threads: each begins when it may, and ends when told."""

    def __init__(self, at: Turns) -> None:
        self.turns, self.begun, self.ended = at, [], []
        self._guard = threading.Lock()

    def add(self, address: str) -> Callable[[], None]:
        """Start a request; return what ends it."""
        done = threading.Event()

        def work() -> None:
            self.turns.begin(address)
            with self._guard:
                self.begun.append(address)
            done.wait(20)
            self.turns.end(address)
            with self._guard:
                self.ended.append(address)

        threading.Thread(target=work, daemon=True).start()
        return done.set

    def wait_for(self, count: int, *, ended: bool = False) -> None:
        """Wait until so many have begun, or ended."""
        deadline = time.monotonic() + 10
        while len(self.ended if ended else self.begun) < count:
            assert time.monotonic() < deadline, (self.begun, self.ended)
            time.sleep(0.002)

    def waiting(self, count: int) -> None:
        """Wait until so many wait for their turn."""
        deadline = time.monotonic() + 10
        while sum(map(len, self.turns._waiting.values())) < count:
            assert time.monotonic() < deadline
            time.sleep(0.002)


def worked(at: Turns, address: str, seconds: float) -> None:
    """Have an address been at work for so long."""
    at.begin(address)
    at.end(address, seconds)


@pytest.fixture
def crowd(monkeypatch):
    monkeypatch.setattr(turns, "MAX_WAIT_SECONDS", 20)
    return Crowd(Turns())


def test_an_address_alone_has_a_few_requests_at_work(crowd):
    ends = [crowd.add("a") for _ in range(MAX_AT_ONCE + 1)]
    crowd.wait_for(MAX_AT_ONCE)
    crowd.waiting(1)
    assert len(crowd.begun) == MAX_AT_ONCE
    for end in ends:
        end()
    crowd.wait_for(MAX_AT_ONCE + 1, ended=True)


def test_another_address_begins_at_once_and_then_each_has_one_at_a_time(crowd):
    many = [crowd.add("many") for _ in range(MAX_AT_ONCE + 3)]
    crowd.wait_for(MAX_AT_ONCE)
    crowd.waiting(3)
    end = crowd.add("one")
    crowd.wait_for(MAX_AT_ONCE + 1)
    assert crowd.begun[-1] == "one"
    for finish in many:
        finish()
    crowd.wait_for(MAX_AT_ONCE, ended=True)  # those that were at work end; each begins the next, one by one
    crowd.wait_for(MAX_AT_ONCE + 3, ended=True)
    end()
    crowd.wait_for(MAX_AT_ONCE + 4, ended=True)
    assert not crowd.turns._running
    assert not crowd.turns._waiting


def test_while_two_addresses_work_neither_has_more_than_one(crowd):
    ends = [crowd.add(address) for address in ("a", "b")]
    crowd.wait_for(2)
    ends += [crowd.add(address) for address in ("a", "b") for _ in range(3)]
    crowd.waiting(6)
    assert sorted(crowd.begun) == ["a", "b"]
    for end in ends:
        end()
    crowd.wait_for(8, ended=True)


def test_an_address_that_worked_much_waits_for_one_that_did_not(crowd):
    worked(crowd.turns, "much", turns.BUSY_SECONDS * 2)
    ends = [crowd.add("little")]
    crowd.wait_for(1)
    ends.append(crowd.add("much"))
    crowd.waiting(1)
    assert crowd.begun == ["little"]
    ends.append(crowd.add("another"))
    crowd.wait_for(2)
    assert crowd.begun == ["little", "another"]
    for end in ends:
        end()
    crowd.wait_for(3, ended=True)


@pytest.mark.parametrize(("much", "little"), [(0.9, 0), (3, 1)])
def test_addresses_that_work_alike_or_little_do_not_wait_for_each_other(crowd, much, little):
    worked(crowd.turns, "much", turns.BUSY_SECONDS * much)
    worked(crowd.turns, "little", turns.BUSY_SECONDS * little)
    ends = [crowd.add("little"), crowd.add("much")]
    crowd.wait_for(2)
    for end in ends:
        end()
    crowd.wait_for(2, ended=True)


def test_work_of_long_ago_counts_no_more(crowd, monkeypatch):
    worked(crowd.turns, "much", turns.BUSY_SECONDS * 2)
    monkeypatch.setattr(turns, "DECAY_SECONDS", 1e-9)
    ends = [crowd.add("little"), crowd.add("much")]
    crowd.wait_for(2)
    for end in ends:
        end()
    crowd.wait_for(2, ended=True)


def test_only_those_who_worked_much_are_remembered_among_many(monkeypatch):
    monkeypatch.setattr(turns, "MAX_REMEMBERED", 3)
    remembering = Turns()
    worked(remembering, "much", turns.BUSY_SECONDS * 2)
    for number in range(20):
        worked(remembering, f"a{number}", 0.01)
        assert len(remembering._usage) <= 3
        assert "much" in remembering._usage


def test_nobody_waits_longer_than_their_patience(monkeypatch):
    monkeypatch.setattr(turns, "MAX_WAIT_SECONDS", 0.05)
    crowd = Crowd(Turns())
    ends = [crowd.add("a") for _ in range(MAX_AT_ONCE + 2)]
    crowd.wait_for(MAX_AT_ONCE + 2)
    for end in ends:
        end()
    crowd.wait_for(MAX_AT_ONCE + 2, ended=True)
    assert not crowd.turns._running
    assert not crowd.turns._waiting


def test_a_request_whose_body_is_on_its_way_is_not_at_work():
    seen = []

    def application(environ, _start):
        at_work = around._turns._running
        seen.append(dict(at_work))
        for act in (turns.pause, turns.pause, turns.resume, turns.resume):
            act(environ)
            seen.append(dict(at_work))
        return []

    around = TakeTurns(application)
    around({"REMOTE_ADDR": "::ffff:192.0.2.7"}, None)
    here = {"192.0.2.7": 1}
    assert seen == [here, {}, {}, here, here]
    assert not around._turns._running


@pytest.mark.parametrize("first", [turns.pause, turns.resume])
def test_a_request_that_fails_gives_its_turn_back(first):
    def application(environ, _start):
        first(environ)
        raise RuntimeError("broken")

    around = TakeTurns(application)
    with pytest.raises(RuntimeError):
        around({"REMOTE_ADDR": "192.0.2.7"}, None)
    assert not around._turns._running


def test_health_is_told_whoever_works():
    around = TakeTurns(lambda environ, _start: [turns.KEY in environ])
    assert around({"PATH_INFO": "/healthz", "REMOTE_ADDR": "192.0.2.7"}, None) == [False]
    assert around({"PATH_INFO": "/", "REMOTE_ADDR": "192.0.2.7"}, None) == [True]


def test_what_took_no_turn_can_pause():
    environ = {}
    turns.pause(environ)
    turns.resume(environ)
    assert environ == {}


def test_a_body_is_read_aside_and_the_request_is_at_work_again_when_it_is_whole(app):
    """The test client hands bodies over in memory; here one comes as from a network."""
    seen = []

    class Network:
        def read(self, size):
            seen.append(turns_of(app)._running.total())
            return arrived.read(size)

    body = b'{"email": "nobody@example.com"}'
    environ = create_environ("/internal/password/forgotten", method="POST", content_type="application/json")
    arrived = io.BytesIO(body)
    environ |= {"wsgi.input": Network(), "CONTENT_LENGTH": str(len(body)), "wsgi.errors": sys.stderr}
    _, status, _ = run_wsgi_app(app.wsgi_app, environ)
    assert status.startswith("202")
    assert set(seen) == {0}
    assert turns_of(app)._running.total() == 0


def turns_of(app) -> Turns:
    around = app.wsgi_app
    while not isinstance(around, TakeTurns):
        around = around._application
    return around._turns
