"""How many bodies may be under way: by address, by person, and over all."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from leadintake.core.http import incomplete_bodies
from leadintake.core.http.incomplete_bodies import (
    Crowded,
    IncompleteBodies,
    Sender,
    TooManyBodies,
)
from leadintake.core.hub import threads_of_server

JANE, JOHN = Sender("192.0.2.1"), Sender("192.0.2.2")
COLLEAGUE = Sender("person|1", signed_in=True)


@pytest.fixture
def bodies() -> IncompleteBodies:
    return IncompleteBodies(per_sender=16, threads=64)


def stop(arrivals) -> None:
    """Let those have sent nothing for long."""
    for arrival in arrivals:
        arrival.since -= 10


def test_the_seventeenth_of_an_address_is_refused_and_another_address_is_not(bodies):
    held = [bodies.admit(JANE) for _ in range(16)]
    stop(held)
    with pytest.raises(TooManyBodies) as refused:
        bodies.admit(JANE)
    assert (refused.value.status, int(refused.value.headers["Retry-After"]) > 0) == (429, True)
    bodies.finish(bodies.admit(JOHN))
    bodies.finish(held[0])
    bodies.finish(bodies.admit(JANE))


def test_zero_is_no_limit_for_an_address_but_for_all_together():
    bodies = IncompleteBodies(per_sender=0, threads=64)
    stop([bodies.admit(JANE) for _ in range(48)])
    with pytest.raises(Crowded):
        bodies.admit(JANE)


def test_strangers_take_three_quarters_of_the_threads_and_people_who_are_signed_in_an_eighth(bodies):
    for number in range(48):
        stop([bodies.admit(Sender(f"192.0.2.{number}"))])
    with pytest.raises(Crowded) as refused:
        bodies.admit(JANE)
    assert refused.value.status == 503
    assert refused.value.headers["Retry-After"]
    stop([bodies.admit(COLLEAGUE) for _ in range(8)])
    with pytest.raises(Crowded):
        bodies.admit(Sender("person|2", signed_in=True))


def test_a_seat_is_given_back_once_however_often_it_is_told(bodies):
    held = [bodies.admit(JANE) for _ in range(16)]
    stop(held)
    for _ in range(3):
        bodies.finish(held[0])
    bodies.admit(JANE)
    with pytest.raises(TooManyBodies):
        bodies.admit(JANE)


def test_whole_bodies_of_one_address_pass_one_after_the_other(bodies):
    """Sixty-four at once: each is read in no time, and those who find no seat wait for one."""
    together = threading.Barrier(64)

    def send(_number: int) -> bool:
        together.wait(30)
        for _ in range(5):
            bodies.finish(bodies.admit(JANE))
        return True

    with ThreadPoolExecutor(64) as crowd:
        assert all(crowd.map(send, range(64)))


def test_who_waits_is_let_in_when_a_seat_is_given_back(bodies, monkeypatch):
    monkeypatch.setattr(incomplete_bodies, "MAX_WAIT_SECONDS", 30)
    monkeypatch.setattr(incomplete_bodies, "STALL_SECONDS", 30)
    held = [bodies.admit(JANE) for _ in range(16)]
    with ThreadPoolExecutor(1) as other:
        waiting = other.submit(bodies.admit, JANE)
        with pytest.raises(TimeoutError):
            waiting.result(0.2)
        bodies.finish(held[0])
        assert waiting.result(30).sender == JANE


def test_nobody_waits_longer_than_a_moment(bodies, monkeypatch):
    monkeypatch.setattr(incomplete_bodies, "STALL_SECONDS", 1000)
    for _ in range(16):
        bodies.admit(JANE)
    begun = time.monotonic()
    with pytest.raises(TooManyBodies):
        bodies.admit(JANE)
    assert time.monotonic() - begun >= incomplete_bodies.MAX_WAIT_SECONDS


def test_where_few_threads_remain_nobody_waits(monkeypatch):
    monkeypatch.setattr(incomplete_bodies, "MAX_WAIT_SECONDS", 1000)
    monkeypatch.setattr(incomplete_bodies, "STALL_SECONDS", 1000)
    bodies = IncompleteBodies(per_sender=2, threads=2 + incomplete_bodies.RESERVE_THREADS)
    for _ in range(2):
        bodies.admit(JANE)
    with pytest.raises(TooManyBodies):
        bodies.admit(JANE)


@pytest.mark.parametrize(
    ("arguments", "environment", "greenlets", "threads"),
    [
        (["granian", "--blocking-threads", "8", "wsgi:app"], {}, False, 8),
        (["granian", "--blocking-threads=12"], {"GRANIAN_BLOCKING_THREADS": "5"}, False, 12),
        (["granian"], {"GRANIAN_BLOCKING_THREADS": "5"}, False, 5),
        (["granian", "--blocking-threads"], {}, False, 64),
        (["granian", "--blocking-threads", "many"], {}, False, 64),
        (["pytest"], {}, False, 64),
        (["gunicorn", "-k", "gevent"], {}, True, 1000),
        (["gunicorn", "-k", "gevent", "--worker-connections", "200"], {}, True, 200),
    ],
)
def test_how_many_threads_there_are_is_read_from_the_command(arguments, environment, greenlets, threads):
    assert threads_of_server(arguments, environment, greenlets=greenlets) == threads
