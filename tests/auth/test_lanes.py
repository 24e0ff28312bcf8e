"""Turns at hashing: strangers fill their own line, and keep nobody of the firm waiting."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from leadintake.auth import passwords
from leadintake.auth.lanes import Lanes
from leadintake.core.errors import Unavailable
from tests.factories import UserFactory
from tests.support.client import PASSWORD
from tests.support.lanes import all_turns_taken
from tests.support.waiting import WAIT_SECONDS, until

URL, FORM = "/internal/session", "/desk/sign-in"
STRANGERS = 12


class Gated:
    """A hasher that hashes when it is told to, and knows the order in which it was asked."""

    def __init__(self, real) -> None:
        self.real, self.asked = real, []
        self.may_go = threading.Semaphore(0)

    def __getattr__(self, name):
        return getattr(self.real, name)

    def verify(self, kept, password):
        self.asked.append(password)
        assert self.may_go.acquire(timeout=WAIT_SECONDS)
        return self.real.verify(kept, password)


@pytest.fixture
def gated(monkeypatch) -> Gated:
    hasher = Gated(passwords.hasher)
    hasher.check_needs_rehash = lambda _: False
    monkeypatch.setattr(passwords, "hasher", hasher)
    return hasher


@pytest.fixture
def lanes(monkeypatch) -> Lanes:
    """Those of the application, fresh, where nobody gives up."""
    made = Lanes(passwords.AT_ONCE, most_strangers=8, stranger_waits=60, known_waits=60)
    monkeypatch.setattr(passwords, "lanes", made)
    return made


def knock(client, email: str, password: str, door: str = URL):
    told = {"email": email, "password": password}
    return client.post(door, **({"json": told} if door == URL else {"data": told}))


@pytest.mark.parametrize("door", [URL, FORM])
def test_a_known_device_goes_before_all_strangers_and_is_let_in(browser, given, lanes, gated, door):
    amara = given(UserFactory)
    desk = browser()
    gated.may_go.release()
    assert knock(desk, amara.email, PASSWORD).status_code == 200
    gated.asked.clear()
    welcome = 200 if door == URL else 303
    with ThreadPoolExecutor(STRANGERS + 1) as threads:
        strangers = [
            threads.submit(knock, browser(), amara.email, f"guess {n}", door) for n in range(STRANGERS)
        ]
        # So many are at it, so many stand in line, and the rest were refused at once.
        until(lambda: sum(one.done() for one in strangers) == STRANGERS - passwords.AT_ONCE - 8)
        refused = [one.result() for one in strangers if one.done()]
        assert {one.status_code for one in refused} == {503}
        assert all(int(one.headers["Retry-After"]) > 0 for one in refused)
        mine = threads.submit(knock, desk, amara.email, PASSWORD, door)
        until(lambda: lanes._known_line)
        gated.may_go.release()  # one of the hashes in hand ends: that is all they wait for
        until(lambda: PASSWORD in gated.asked)
        assert len(gated.asked) == passwords.AT_ONCE + 1
        for _ in range(STRANGERS):
            gated.may_go.release()
        assert mine.result().status_code == welcome
        answers = [one.result().status_code for one in strangers]
    assert sorted(answers) == [401] * (passwords.AT_ONCE + 8) + [503] * (STRANGERS - passwords.AT_ONCE - 8)


def test_somebody_signed_in_changes_their_password_beside_strangers(browser, given, lanes, gated):
    amara = given(UserFactory)
    desk = browser()
    gated.may_go.release()
    desk.csrf_token = knock(desk, amara.email, PASSWORD).json["csrf_token"]
    body = {"current_password": PASSWORD, "new_password": "quite different words"}
    with ThreadPoolExecutor(STRANGERS + 1) as threads:
        strangers = [threads.submit(knock, browser(), "x@firm.example.com", "guess") for _ in range(10)]
        until(lambda: len(lanes._stranger_line) == 8)
        mine = threads.submit(desk.put, "/internal/password", json=body)
        until(lambda: lanes._known_line)
        for _ in range(11):
            gated.may_go.release()
        assert mine.result().status_code == 200
        assert {one.result().status_code for one in strangers} == {401}


def test_a_stranger_beyond_the_line_costs_no_statement_and_no_hash(app, client, given, monkeypatch):
    given(UserFactory, email="amara@firm.example.com")
    client.get(FORM)  # the first request of a process asks for the revision of the database
    statements = []
    with app.app_context():
        from sqlalchemy import event

        from leadintake.core.db.database import db

        event.listen(db.engine, "before_cursor_execute", lambda *told: statements.append(told[2]))
        with all_turns_taken(monkeypatch, most_strangers=0):
            answer = knock(client, "amara@firm.example.com", PASSWORD)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert statements == []


@pytest.mark.parametrize("door", [URL, FORM])
def test_a_password_longer_than_any_reaches_no_hash(client, given, gated, door):
    amara = given(UserFactory)
    for size in (passwords.MAX_LENGTH + 1, 50_000):
        assert knock(client, amara.email, "x" * size, door).status_code == 422
    assert passwords.verify(amara.password_hash, "x" * (passwords.MAX_LENGTH + 1)) is False
    assert gated.asked == []


class TestTheLanes:
    """By themselves."""

    def test_who_comes_first_goes_first_and_the_known_before_all(self):
        lanes = Lanes(1, most_strangers=5, stranger_waits=60, known_waits=60)
        order: list[str] = []

        def go(name: str) -> None:
            with lanes.turn(is_known=name.startswith("known")):
                order.append(name)

        with ThreadPoolExecutor(5) as threads:
            with lanes.turn(is_known=False):
                names = ["stranger 1", "stranger 2", "known 1", "stranger 3", "known 2"]
                done = []
                for number, name in enumerate(names, 1):
                    done.append(threads.submit(go, name))
                    until(lambda number=number: len(lanes._known_line) + len(lanes._stranger_line) == number)
            for one in done:
                one.result()
        assert order == ["known 1", "known 2", "stranger 1", "stranger 2", "stranger 3"]

    def test_who_gives_up_leaves_the_line_and_nobody_loses_a_turn(self):
        lanes = Lanes(1, most_strangers=1, stranger_waits=0.01, known_waits=0.01)
        for known in (True, False):
            with lanes.turn(is_known=True), pytest.raises(Unavailable), lanes.turn(is_known=known):
                pass
            with lanes.turn(is_known=known):
                pass
        assert (lanes._free, len(lanes._known_line), len(lanes._stranger_line)) == (1, 0, 0)

    def test_a_turn_that_ends_badly_is_handed_on(self):
        lanes = Lanes(1, most_strangers=1, stranger_waits=0.01, known_waits=0.01)
        with pytest.raises(ZeroDivisionError), lanes.turn(is_known=True):
            raise ZeroDivisionError
        with lanes.turn(is_known=False):
            pass

    @pytest.mark.parametrize("came", [False, True])
    def test_who_is_interrupted_in_the_line_takes_no_turn_along(self, monkeypatch, came):
        lanes = Lanes(1, most_strangers=1, stranger_waits=60, known_waits=60)

        class Interrupted(threading.Event):
            def wait(self, timeout=None):
                if came:
                    lanes._end_turn()  # the turn comes at the very moment
                raise KeyboardInterrupt

        monkeypatch.setattr(threading, "Event", Interrupted)
        lanes._enter(is_known=True)
        with pytest.raises(KeyboardInterrupt):
            lanes._enter(is_known=False)
        if not came:
            lanes._end_turn()
        assert (lanes._free, len(lanes._stranger_line)) == (1, 0)

    def test_many_threads_never_go_at_once_and_all_are_served(self):
        lanes = Lanes(2, most_strangers=50, stranger_waits=60, known_waits=60)
        inside, most = [], []

        def go(number: int) -> None:
            for _ in range(20):
                with lanes.turn(is_known=number % 2 == 0):
                    inside.append(number)
                    most.append(len(inside))
                    inside.pop()

        with ThreadPoolExecutor(16) as threads:
            assert [*threads.map(go, range(16))] == [None] * 16
        assert max(most) <= 2
        assert len(most) == 320
        assert lanes._free == 2
