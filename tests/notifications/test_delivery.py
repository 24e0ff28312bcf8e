"""Delivery over SMTP: what the server's every answer does to a message."""

from __future__ import annotations

import contextlib
import socket
from datetime import timedelta

import pytest

from leadintake.core.actor import OPERATOR
from leadintake.core.db.transaction import transaction
from leadintake.notifications.channels import sessions, smtp
from leadintake.notifications.channels.interface import ChannelDown
from leadintake.notifications.channels.smtp import DELIVERY_SECONDS
from leadintake.notifications.leases import LEASE, MIN_ATTEMPTS
from leadintake.notifications.models import DeliveryAttempt, Notification, Status
from leadintake.notifications.service import notifications
from tests.factories import NotificationFactory
from tests.support.mailserver import DROP, HANG, HOST, OK, Script, free_port, mail_server, raw_server
from tests.support.outbox import BEGINNING, at, deliver

TEMPORARY = "451 4.7.1 greylisted, come back later"


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def settings(port) -> dict[str, object]:
    return {
        "MAIL_SERVER": HOST,
        "MAIL_PORT": port,
        "MAIL_TIMEOUT": 1,
        "MAIL_DEFAULT_SENDER": "firm@firm.example",
    }


def state(rows) -> list[tuple[str, int]]:
    return [(owed.status, owed.attempts) for owed in rows(Notification)]


@pytest.mark.every_engine
def test_a_message_taken_by_the_server_is_sent_once_and_its_reply_kept(app, given, rows, port):
    owed = given(NotificationFactory, recipient="amara@firm.example.com")
    script = Script()
    with mail_server(script, port):
        assert deliver(app) == 1
        assert deliver(app) == 0
    (kept,) = rows(Notification)
    assert (kept.status, kept.attempts, kept.due_at, kept.last_error) == (Status.SENT, 1, None, None)
    assert kept.sent_at is not None
    assert kept.claimed_by is None
    (attempt,) = rows(DeliveryAttempt)
    assert (attempt.notification_id, attempt.outcome) == (owed.id, "sent")
    assert attempt.reply == "250 2.0.0 queued as 4711"
    assert (script.senders, script.recipients) == (["firm@firm.example"], ["amara@firm.example.com"])


def test_a_batch_goes_over_one_connection_the_longest_due_first(app, given, port):
    for minutes, name in [(2, "third"), (0, "first"), (1, "second")]:
        with at(minutes=minutes):
            given(NotificationFactory, recipient=f"{name}@firm.example.com")
    script = Script()
    with mail_server(script, port):
        assert deliver(app) == 3
    assert script.connections == 1
    assert [address.partition("@")[0] for address in script.recipients] == ["first", "second", "third"]


def test_the_pauses_between_attempts_double_up_to_a_quarter_of_an_hour(app, given, rows, port):
    with at():
        given(NotificationFactory)
    script = Script(rcpt=[TEMPORARY] * 8 + [OK])
    pauses, moment = [], BEGINNING
    with mail_server(script, port):
        for _ in range(8):
            if pauses:
                with at(seconds=(moment - BEGINNING).total_seconds() - 1):
                    assert deliver(app) == 0  # not a second early
            with at(seconds=(moment - BEGINNING).total_seconds()):
                assert deliver(app) == 1
            (kept,) = rows(Notification)
            assert kept.status is Status.QUEUED
            assert kept.last_error == TEMPORARY
            pauses.append((kept.due_at - moment).total_seconds())
            moment = kept.due_at
        with at(seconds=(moment - BEGINNING).total_seconds()):
            assert deliver(app) == 1
    assert pauses == [30, 60, 120, 240, 480, 900, 900, 900]
    assert state(rows) == [(Status.SENT, 9)]
    assert [tried.outcome for tried in rows(DeliveryAttempt)] == ["deferred"] * 8 + ["sent"]


@pytest.mark.parametrize(
    ("script", "reply"),
    [
        ({"rcpt": "550 5.1.1 no such user"}, "550 5.1.1 no such user"),
        ({"rcpt": "553 5.1.3 bad address"}, "553 5.1.3 bad address"),
        ({"data": "554 5.7.1 looks like spam"}, "554 5.7.1 looks like spam"),
    ],
)
def test_a_final_no_to_the_recipient_or_the_message_fails_it_at_once(app, given, rows, port, script, reply):
    given(NotificationFactory)
    with mail_server(Script(**script), port):
        deliver(app)
    (kept,) = rows(Notification)
    assert (kept.status, kept.attempts, kept.due_at, kept.last_error) == (Status.FAILED, 1, None, reply)
    assert [(tried.outcome, tried.reply) for tried in rows(DeliveryAttempt)] == [("refused", reply)]


@pytest.mark.parametrize(
    "script",
    [
        {"rcpt": "452 4.2.2 mailbox full"},
        {"rcpt": "450 4.7.1 come back in five minutes"},
        {"data": "421 4.3.2 shutting down"},
        {"data": "451 4.6.0 try another time"},
    ],
    ids=str,
)
def test_what_may_be_another_time_is_tried_again(app, given, rows, port, script):
    given(NotificationFactory)
    with mail_server(Script(**script), port):
        assert deliver(app) == 1
    assert state(rows) == [(Status.QUEUED, 1)]
    assert [tried.outcome for tried in rows(DeliveryAttempt)] == ["deferred"]


@pytest.mark.parametrize("stage", ["mail", "rcpt", "data"])
@pytest.mark.parametrize("fault", [DROP, HANG])
def test_a_server_that_breaks_off_is_tried_again_within_a_minute_however_often(
    app, given, rows, port, stage, fault
):
    """Mail comes back to its speed within 90 seconds of the server's return."""
    with at():
        given(NotificationFactory, attempts=200)
        with mail_server(Script(**{stage: fault}), port):
            assert deliver(app) == 1
    with at(seconds=60), mail_server(Script(), port):
        assert deliver(app) == 1
    assert state(rows) == [(Status.SENT, 202)]
    assert [tried.outcome for tried in rows(DeliveryAttempt)] == ["interrupted", "sent"]


@pytest.mark.parametrize("stage", ["mail", "rcpt", "data"])
def test_a_server_that_falls_silent_holds_a_message_no_longer_than_the_timeout(app, given, rows, port, stage):
    given(NotificationFactory)
    with mail_server(Script(**{stage: HANG}), port):
        assert deliver(app) == 1
    assert state(rows) == [(Status.QUEUED, 1)]


@pytest.mark.parametrize("fault", [DROP, HANG, "421 4.3.2 shutting down"])
def test_a_server_that_leaves_in_the_middle_costs_the_other_messages_nothing(app, given, rows, port, fault):
    for _ in range(3):
        given(NotificationFactory)
    script = Script(data=[fault, "250 2.0.0 queued"])
    with mail_server(script, port):
        assert deliver(app) == 3
    assert sorted(state(rows)) == [(Status.QUEUED, 1), (Status.SENT, 1), (Status.SENT, 1)]
    assert script.connections == 2


def test_one_wrong_address_does_not_hold_up_the_others(app, given, rows, port):
    for name in ("amara", "nobody", "bruno"):
        given(NotificationFactory, recipient=f"{name}@firm.example.com")
    refusal = {"rcpt nobody@firm.example.com": "550 5.1.1 no such user"}
    with mail_server(Script(**refusal), port):
        assert deliver(app) == 3
    assert state(rows) == [(Status.SENT, 1), (Status.FAILED, 1), (Status.SENT, 1)]


def test_a_server_that_is_down_costs_no_attempt_and_delivery_resumes(app, given, rows, port):
    given(NotificationFactory)
    for _ in range(3):
        with pytest.raises(ChannelDown, match=str(port)):
            deliver(app)
    assert state(rows) == [(Status.QUEUED, 0)]
    with mail_server(Script(), port):
        assert deliver(app) == 1
    assert state(rows) == [(Status.SENT, 1)]


def greet_and(*lines: bytes):
    def talk(connection: socket.socket) -> None:
        connection.settimeout(5)
        with contextlib.suppress(OSError):  # the client leaves when it has heard enough
            for line in lines:
                connection.sendall(line)
                if not connection.recv(1000):
                    return

    return talk


@pytest.mark.parametrize(
    "lines",
    [
        (b"554 no mail service here\r\n",),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n",),
        (b"x" * 20_000,),
        (),
        (b"220 hello\r\n", b"554 we do not like your name\r\n", b"554 neither\r\n"),
        (b"220 hello\r\n", b"421 too busy\r\n"),
    ],
    ids=["refusing", "http", "endless line", "silent", "refusing our name", "busy"],
)
def test_a_server_that_will_not_talk_to_us_costs_no_message_an_attempt(app, given, rows, lines):
    given(NotificationFactory)
    with raw_server(greet_and(*lines)) as port:
        app.extensions["mail"].port = port
        with pytest.raises(ChannelDown):
            deliver(app)
    assert state(rows) == [(Status.QUEUED, 0)]
    assert rows(DeliveryAttempt) == []


@pytest.mark.parametrize("age", [{"days": 3, "hours": 23}, {"days": 4, "seconds": 1}])
def test_after_four_days_a_message_is_given_up(app, given, rows, port, age):
    with at():
        given(NotificationFactory, created_at=BEGINNING, attempts=MIN_ATTEMPTS - 1)
    with at(**age), mail_server(Script(rcpt=TEMPORARY), port):
        deliver(app)
    (kept,) = rows(Notification)
    if age["days"] == 3:
        assert (kept.status, kept.last_error) == (Status.QUEUED, TEMPORARY)
    else:
        assert (kept.status, kept.due_at) == (Status.FAILED, None)
        assert kept.last_error == f"given up after 4 days: {TEMPORARY}"


def test_a_server_that_was_away_for_a_week_finds_every_message_still_owed(app, given, rows, port):
    with at():
        given(NotificationFactory)
    with at(days=7), mail_server(Script(rcpt=TEMPORARY), port):
        deliver(app)
    assert state(rows) == [(Status.QUEUED, 1)]


def drip(connection: socket.socket) -> None:
    """Greet a byte at a time, each just before the timeout, for ever."""
    with contextlib.suppress(OSError):  # until the client has had enough
        while True:
            connection.sendall(b"2")
            connection.settimeout(0.4)
            with contextlib.suppress(TimeoutError):
                if not connection.recv(100):
                    return


def test_a_server_that_drips_its_greeting_holds_a_worker_no_longer_than_the_lease(
    app, given, rows, monkeypatch
):
    monkeypatch.setattr(sessions, "OPENING_SECONDS", 2)
    given(NotificationFactory)
    with raw_server(drip) as port:
        app.extensions["mail"].port = port
        with pytest.raises(ChannelDown):
            deliver(app)
    assert state(rows) == [(Status.QUEUED, 0)]


def test_a_server_that_drips_its_answer_to_a_message_holds_it_no_longer_than_the_lease(
    app, given, rows, monkeypatch
):
    def talk(connection: socket.socket) -> None:
        greet_and(b"220 hello\r\n", b"250 hello\r\n")(connection)
        drip(connection)

    monkeypatch.setattr(smtp, "DELIVERY_SECONDS", 2)
    monkeypatch.setattr(smtp, "QUIT_SECONDS", 1)
    given(NotificationFactory)
    with raw_server(talk) as port:
        app.extensions["mail"].port = port
        assert deliver(app) == 1
    assert state(rows) == [(Status.QUEUED, 1)]
    assert timedelta(seconds=DELIVERY_SECONDS) < LEASE


@pytest.mark.parametrize("over_tls", [False, True])
def test_a_server_with_many_addresses_that_do_not_answer_is_given_up_in_time(
    app, given, rows, monkeypatch, over_tls
):
    passed: list[float] = []

    def time_out(_place, seconds):
        passed.append(seconds)
        raise TimeoutError("timed out")

    eight = [(0, 0, 0, "", (f"192.0.2.{number}", 587)) for number in range(8)]
    monkeypatch.setattr(sessions.socket, "getaddrinfo", lambda *_, **__: eight)
    monkeypatch.setattr(sessions.socket, "create_connection", time_out)
    monkeypatch.setattr(sessions.time, "monotonic", lambda: sum(passed))
    app.config["MAIL_TIMEOUT"] = 10
    app.extensions["mail"].use_ssl = over_tls
    app.extensions["mail"].server = "mail.example"
    given(NotificationFactory)
    with pytest.raises(ChannelDown, match="timed out"):
        deliver(app)
    assert len(passed) == 8
    assert sum(passed) == pytest.approx(sessions.CONNECT_SECONDS)


def test_a_reply_that_does_not_end_is_no_answer_to_the_message(app, given, rows):
    endless = b"250 " + b"x" * 10_000 + b"\r\n"
    given(NotificationFactory)
    with raw_server(greet_and(b"220 hello\r\n", b"250 hello\r\n", endless)) as port:
        app.extensions["mail"].port = port
        assert deliver(app) == 1
    assert state(rows) == [(Status.QUEUED, 1)]


def test_a_retry_by_hand_begins_the_four_days_anew(app, given, rows, port):
    with at():
        owed = given(NotificationFactory, "failed")
    with at(days=10), mail_server(Script(rcpt=TEMPORARY), port):
        with app.app_context(), transaction():
            notifications.retry(owed.id, actor=OPERATOR)
        deliver(app)
    (kept,) = rows(Notification)
    assert (kept.status, kept.last_error) == (Status.QUEUED, TEMPORARY)


def test_a_message_that_cannot_be_written_fails_alone(app, given, rows, port):
    given(NotificationFactory, recipient="\u7530\u4e2d@firm.example.com")
    given(NotificationFactory, recipient="a@firm.example.com\r\nBcc: all@firm.example.com")
    given(NotificationFactory, subject="two\nlines")
    given(NotificationFactory, recipient="fine@firm.example.com")
    script = Script()
    with mail_server(script, port, enable_SMTPUTF8=False):
        assert deliver(app) == 4
    assert [status for status, _ in state(rows)] == [Status.FAILED] * 3 + [Status.SENT]
    assert "SMTPUTF8" in rows(Notification)[0].last_error
    assert script.recipients == ["fine@firm.example.com"]


def test_a_message_that_meets_a_fault_of_the_code_fails_alone(app, given, rows, port, monkeypatch):
    given(NotificationFactory, subject="broken")
    given(NotificationFactory, recipient="fine@firm.example.com")
    compose = smtp.compose

    def fail(message: Notification) -> object:
        if message.subject == "broken":
            raise ZeroDivisionError("a fault")
        return compose(message)

    monkeypatch.setattr(smtp, "compose", fail)
    script = Script()
    with mail_server(script, port):
        assert deliver(app) == 2
    assert [status for status, _ in state(rows)] == [Status.FAILED, Status.SENT]
    assert rows(Notification)[0].last_error == "ZeroDivisionError: a fault"
    assert script.recipients == ["fine@firm.example.com"]


def test_an_endless_reply_is_kept_as_far_as_there_is_room(app, given, rows, port):
    given(NotificationFactory)
    with mail_server(Script(rcpt="550 " + "\u00e9\U0001f600" * 200), port):
        deliver(app)
    (kept,) = rows(Notification)
    assert kept.status is Status.FAILED
    assert kept.last_error.startswith("550 ")
    assert len(kept.last_error) <= 500


def test_an_international_domain_is_written_the_way_mail_servers_read_it(app, client, given, port):
    client.submit(email="jane@fa\u00df.example")
    script = Script()
    with mail_server(script, port):
        deliver(app)
    assert script.recipients == ["jane@xn--fa-hia.example"]
