"""A refusal through our fault: nothing is charged, one a minute is tried, all leave once it is mended."""

from __future__ import annotations

import contextlib

import pytest

from leadintake.core.db.database import db
from leadintake.core.db.transaction import transaction
from leadintake.notifications.channel_state import ALL_MAIL, PROSPECT_MAIL, read_channel_state
from leadintake.notifications.channels.interface import ChannelDown
from leadintake.notifications.models import DeliveryAttempt, Notification, Status
from leadintake.notifications.worker import Worker
from tests.factories import NotificationFactory
from tests.support.mailserver import DROP, HOST, OK, Script, free_port, mail_server
from tests.support.outbox import at, deliver

HELO = "504 5.5.2 <localhost>: Helo command rejected: need fully-qualified hostname"
RELAY = "454 4.7.1 <jane@example.com>: Relay access denied"
UNCLEAR = "550 5.7.1 No, thank you"
CONFIRMATION = "prospect_confirmation"
QUOTA = "550 5.4.5 Daily user sending limit exceeded"


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def settings(port) -> dict[str, object]:
    return {"MAIL_SERVER": HOST, "MAIL_PORT": port, "MAIL_TIMEOUT": 1}


@pytest.fixture
def state(app):
    def read():
        with app.app_context():
            return read_channel_state()

    return read


@pytest.fixture
def worker(app) -> Worker:
    return Worker(app)


def statuses(rows) -> list[tuple[Status, int]]:
    return [(owed.status, owed.attempts) for owed in rows(Notification)]


def blocked(app, worker) -> str:
    """Let a worker deliver; what it says of the way that is closed."""
    with pytest.raises(ChannelDown) as closed:
        deliver(app, worker)
    return str(closed.value)


@pytest.mark.parametrize(
    "says",
    [
        {"mail": "550 5.7.1 sender not allowed"},
        {"mail": "530 5.7.0 authentication required"},
        {"mail": "452 4.3.1 disk full"},
        {"mail": "421 4.3.2 shutting down"},
        {"rcpt": HELO},
        {"rcpt": RELAY},
        {"rcpt": "550 5.7.25 no reverse DNS"},
        {"data": QUOTA},
        {"data": "454 Throttling failure: Maximum sending rate exceeded."},
    ],
    ids=str,
)
def test_what_is_our_fault_charges_no_message_and_is_tried_once_a_minute(app, given, rows, port, says, state):
    script, worker = Script(**says), Worker(app)
    with at(), mail_server(script, port):
        for _ in range(5):
            given(NotificationFactory)
        blocked(app, worker)
        assert len(script.senders) == 1
        assert deliver(app, worker) == 0
    for minute in range(1, 4):
        with mail_server(script, port):
            with at(minutes=minute, seconds=-1):
                assert deliver(app, worker) == 0
            with at(minutes=minute):
                blocked(app, worker)
                assert deliver(app, worker) == 0
        assert len(script.senders) == 1 + minute
    assert statuses(rows) == [(Status.QUEUED, 0)] * 5
    (said,) = says.values()
    assert {tried.reply for tried in rows(DeliveryAttempt)} == {said}
    assert state().scope == ALL_MAIL
    assert state().since.minute == 0
    assert state().words.startswith(said[:9])


@pytest.mark.every_engine
def test_after_a_week_of_it_all_leave_within_90_seconds_of_the_mending(app, given, rows, port, state):
    worker = Worker(app)
    with at(), mail_server(Script(rcpt=HELO), port):
        for _ in range(20):
            given(NotificationFactory)
        given(NotificationFactory, kind=CONFIRMATION)
        blocked(app, worker)
    with at(days=7), mail_server(Script(rcpt=HELO), port):
        blocked(app, worker)
    assert state().words == HELO
    with mail_server(Script(), port):
        with at(days=7, seconds=59):
            assert deliver(app, worker) == 0
        with at(days=7, seconds=60):
            assert deliver(app, worker) == 21
    assert state() is None
    assert statuses(rows) == [(Status.SENT, 1)] * 21


def test_a_worker_that_is_started_after_the_mending_waits_no_minute(app, given, rows, port):
    with at():
        given(NotificationFactory)
        with mail_server(Script(rcpt=HELO), port):
            blocked(app, Worker(app))
        with mail_server(Script(), port):
            assert deliver(app, Worker(app)) == 1
    assert statuses(rows) == [(Status.SENT, 1)]


@pytest.mark.every_engine
def test_of_two_workers_one_tries(app, given, port):
    first, second = Worker(app), Worker(app)
    with at():
        deliver(app, first), deliver(app, second)
        given(NotificationFactory), given(NotificationFactory)
        with mail_server(Script(rcpt=HELO), port):
            blocked(app, first)
    script = Script(rcpt=HELO)
    with at(minutes=1), mail_server(script, port):
        blocked(app, first)
        assert deliver(app, second) == 0
    assert len(script.senders) == 1


def test_a_clock_that_was_set_back_does_not_stop_the_tries(app, given, port):
    worker = Worker(app)
    with at(days=1), mail_server(Script(rcpt=HELO), port):
        given(NotificationFactory)
        blocked(app, worker)
    with at(), mail_server(Script(), port):
        assert deliver(app, worker) == 1


class TestWhatStrangersType:
    """Mail to prospects that is refused keeps no alert back."""

    def test_without_the_right_to_relay_the_firm_is_mailed_and_prospects_wait(
        self, app, given, rows, port, state
    ):
        worker = Worker(app)
        script = Script(**{f"rcpt jane{number}@example.com": RELAY for number in range(5)})
        with at(), mail_server(script, port):
            for number in range(5):
                given(NotificationFactory, kind=CONFIRMATION, recipient=f"jane{number}@example.com")
            given(NotificationFactory)
            assert deliver(app, worker) == 2
            assert state().scope == PROSPECT_MAIL
            assert "jane" not in state().words
            given(NotificationFactory)
            assert deliver(app, worker) == 1
        assert len(script.recipients) == 3
        with at(minutes=1), mail_server(script, port):
            given(NotificationFactory)
            assert deliver(app, worker) == 2
        assert len(script.recipients) == 5
        assert statuses(rows) == [(Status.QUEUED, 0)] * 5 + [(Status.SENT, 1)] * 3
        with at(minutes=2), mail_server(Script(), port):
            assert deliver(app, worker) == 5
        assert state() is None

    def test_an_address_that_brings_down_a_refusal_of_us_holds_up_nobody_for_long(
        self, app, given, rows, port, state
    ):
        """Its server's words, passed on by ours, say that we are at fault; others leave, so we are not."""
        worker = Worker(app)
        script = Script(**{"rcpt evil@example.com": "550 5.7.23 SPF fails"})
        with at(), mail_server(script, port):
            given(NotificationFactory, kind=CONFIRMATION, recipient="evil@example.com")
            for number in range(3):
                given(NotificationFactory, kind=CONFIRMATION, recipient=f"jane{number}@example.com")
            deliver(app, worker)
        with at(minutes=1), mail_server(script, port):
            assert deliver(app, worker) == 4
        assert state() is None
        assert statuses(rows) == [(Status.QUEUED, 1)] + [(Status.SENT, 1)] * 3

    def test_that_a_stranger_was_mailed_before_proves_nothing(self, app, given, rows, port, state):
        given(NotificationFactory, "sent", kind=CONFIRMATION, recipient="jane@example.com")
        given(NotificationFactory, kind=CONFIRMATION, recipient="jane@example.com")
        with mail_server(Script(rcpt=UNCLEAR), port):
            assert deliver(app) == 1
        assert statuses(rows)[1] == (Status.FAILED, 1)
        assert state() is None


class TestExperience:
    """An unclear refusal of somebody of the firm who was mailed before."""

    @pytest.fixture(autouse=True)
    def known(self, given) -> None:
        given(NotificationFactory, "sent", recipient="amara@firm.example.com")
        given(NotificationFactory, "sent", recipient="bruno@firm.example.com")

    def test_is_about_us(self, app, given, rows, port, state):
        given(NotificationFactory, recipient="Amara@firm.example.com")
        with mail_server(Script(rcpt=UNCLEAR), port):
            assert blocked(app, Worker(app)) == f"RCPT TO: {UNCLEAR}"
        assert statuses(rows)[-1] == (Status.QUEUED, 0)
        assert state().words == UNCLEAR

    def test_is_not_about_us_if_it_names_the_mailbox(self, app, given, rows, port, state):
        given(NotificationFactory, recipient="amara@firm.example.com")
        with mail_server(Script(rcpt="550 5.1.1 no such user, relay denied"), port):
            assert deliver(app) == 1
        assert statuses(rows)[-1] == (Status.FAILED, 1)
        assert state() is None

    def test_is_the_message_s_for_somebody_who_is_new(self, app, given, rows, port):
        given(NotificationFactory, recipient="clara@firm.example.com")
        with mail_server(Script(rcpt=UNCLEAR), port):
            assert deliver(app) == 1
        assert statuses(rows)[-1] == (Status.FAILED, 1)

    def test_is_the_message_s_once_others_left_and_final_at_the_third_time(
        self, app, given, rows, port, state
    ):
        worker = Worker(app)
        script = Script(**{"rcpt amara@firm.example.com": UNCLEAR})
        with at(), mail_server(script, port):
            given(NotificationFactory, recipient="amara@firm.example.com")
            given(NotificationFactory, recipient="bruno@firm.example.com")
            blocked(app, worker)
        with at(minutes=1), mail_server(script, port):
            assert deliver(app, worker) == 2
        assert state() is None
        assert statuses(rows)[2:] == [(Status.QUEUED, 1), (Status.SENT, 1)]
        for minute in (2, 4):
            with at(minutes=minute), mail_server(script, port):
                deliver(app, worker)
        assert statuses(rows)[2] == (Status.FAILED, 3)

    @pytest.mark.parametrize(
        "says",
        [
            {"rcpt": "451 4.3.0 Temporary lookup failure"},
            {"data": DROP},
            {"data": "451 4.7.1 Try again later"},
        ],
        ids=str,
    )
    def test_a_server_that_takes_nothing_for_now_is_tried_once_a_minute_and_charges_nobody(
        self, app, given, rows, port, state, says
    ):
        worker = Worker(app)
        with at(), mail_server(Script(**says), port):
            given(NotificationFactory, recipient="amara@firm.example.com")
            deliver(app, worker)
            assert state() is None
        for minute in (1, 2, 3):
            with at(minutes=minute), mail_server(Script(**says), port):
                blocked(app, worker)
        with at(days=7), mail_server(Script(**says), port):
            blocked(app, worker)
        assert statuses(rows)[2:] == [(Status.QUEUED, 1)]
        with at(days=7, minutes=1), mail_server(Script(), port):
            given(NotificationFactory, recipient="bruno@firm.example.com")
            deliver(app, worker)
        assert [status for status, _ in statuses(rows)] == [Status.SENT] * 4
        assert state() is None

    def test_one_that_is_put_off_while_others_leave_is_not_about_us(self, app, given, rows, port, state):
        worker = Worker(app)
        script = Script(**{"rcpt amara@firm.example.com": "451 4.3.0 Not now"})
        with at(), mail_server(script, port):
            given(NotificationFactory, recipient="amara@firm.example.com")
            given(NotificationFactory, recipient="bruno@firm.example.com")
            deliver(app, worker)
        with at(minutes=1), mail_server(script, port):
            assert deliver(app, worker) == 1
        assert statuses(rows)[2:] == [(Status.QUEUED, 2), (Status.SENT, 1)]
        assert state() is None

    def test_what_closed_the_way_is_no_message_s_fault_whoever_it_is_for(self, app, given, rows, port, state):
        worker = Worker(app)
        given(NotificationFactory, recipient="amara@firm.example.com")
        with at(), mail_server(Script(rcpt="554 Access denied (id 4711x)"), port):
            blocked(app, worker)
        given(NotificationFactory, recipient="clara@firm.example.com")
        given(NotificationFactory, kind=CONFIRMATION)
        for minute in (1, 2, 3):
            with at(minutes=minute), mail_server(Script(rcpt=f"554 Access denied (id {minute}y)"), port):
                blocked(app, worker)
        assert statuses(rows)[2:] == [(Status.QUEUED, 0)] * 3
        of_another_cause = {"rcpt clara@firm.example.com": "554 Nobody of that name"}
        for minute in (4, 5):
            script = Script(rcpt="554 Access denied (id 9z)", **of_another_cause)
            with at(minutes=minute), mail_server(script, port), contextlib.suppress(ChannelDown):
                deliver(app, worker)
        assert statuses(rows)[3] == (Status.FAILED, 1)


def test_a_try_that_fails_through_its_own_fault_opens_nothing(app, given, rows, port, state):
    worker = Worker(app)
    with at(), mail_server(Script(rcpt=HELO), port):
        given(NotificationFactory), given(NotificationFactory)
        blocked(app, worker)
    with at(minutes=1), mail_server(Script(rcpt="550 5.1.1 no such user"), port):
        assert deliver(app, worker) == 1
    assert sorted(statuses(rows)) == [(Status.FAILED, 1), (Status.QUEUED, 0)]
    assert state().words == HELO


def test_once_nothing_waits_nothing_is_closed(app, given, port, state):
    worker = Worker(app)
    owed = given(NotificationFactory)
    with mail_server(Script(rcpt=HELO), port):
        blocked(app, worker)
    with app.app_context(), transaction():
        db.session.get(Notification, owed.id).due_at = None
    deliver(app, worker)
    assert state() is None


def test_a_server_that_is_away_is_a_state_until_it_is_back(app, given, port, state):
    worker = Worker(app)
    given(NotificationFactory)
    for _ in range(2):
        blocked(app, worker)
    assert (state().scope, state().step) == (ALL_MAIL, "connect")
    assert str(port) in state().words
    with mail_server(Script(rcpt="550 5.1.1 no such user"), port):
        deliver(app, worker)
    assert state() is None


def test_a_server_that_is_away_does_not_hide_that_it_refused_us(app, given, port, state):
    worker = Worker(app)
    with at(), mail_server(Script(rcpt=HELO), port):
        given(NotificationFactory)
        blocked(app, worker)
    with at(minutes=1):
        blocked(app, worker)
        assert (state().step, state().since.minute) == ("RCPT TO", 0)
        with mail_server(Script(), port):
            assert deliver(app, worker) == 0


def test_a_server_that_hangs_up_once_is_called_again_and_twice_is_closed(app, given, rows, port, state):
    leaving = "421 4.3.2 shutting down"
    with at(), mail_server(Script(data=[leaving, OK, leaving]), port):
        for _ in range(5):
            given(NotificationFactory)
        blocked(app, Worker(app))
    assert sorted(statuses(rows)) == [(Status.QUEUED, 0)] * 2 + [(Status.QUEUED, 1)] * 2 + [(Status.SENT, 1)]
    assert state().words == leaving
