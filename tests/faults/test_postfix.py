"""A mail server that nobody here wrote, with its strict settings: whose fault it finds what it refuses.

SQLite throughout: what a mail server does is the same to every database.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from leadintake.notifications import checkup
from leadintake.notifications.channel_state import ALL_MAIL, PROSPECT_MAIL, read_channel_state
from leadintake.notifications.channels.interface import ChannelDown
from leadintake.notifications.models import DeliveryAttempt, Notification, Status
from leadintake.notifications.worker import Worker
from tests.factories import NotificationFactory
from tests.support.mailserver import HOST
from tests.support.outbox import deliver
from tests.support.postfix import MAILBOXES, MAX_BYTES, Postfix, postfix
from tests.support.server import wait_until

AMARA, STRANGER = "amara@firm.example", "jane@example.com"
CONFIRMATION = "prospect_confirmation"


@pytest.fixture(scope="module")
def server() -> Iterator[Postfix]:
    """One for all of these tests; what arrived is told apart by its Message-ID."""
    with postfix() as started:
        yield started


@pytest.fixture
def settings(server) -> dict[str, object]:
    return {
        "MAIL_SERVER": HOST,
        "MAIL_PORT": server.port,
        "MAIL_DEFAULT_SENDER": "intake@firm.example",
        "PUBLIC_URL": "https://intake.firm.example",
    }


@pytest.fixture
def arrived(server):
    """Wait until a message lies in its mailbox."""

    def wait(owed) -> bool:
        wait_until(lambda: _lies_in(server, owed), "the message arrives")
        return True

    return wait


def _lies_in(server: Postfix, owed) -> bool:
    mailbox = owed.recipient.partition("@")[0]
    return mailbox in MAILBOXES and any(
        str(owed.id) in mail["Message-ID"] for mail in server.arrived(mailbox)
    )


def statuses(rows) -> list[tuple[Status, int]]:
    return [(owed.status, owed.attempts) for owed in rows(Notification)]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("localhost", "504 5.5.2 <localhost>: Helo command rejected: need fully-qualified hostname"),
        ("vm7.invalid", "450 4.7.1 <vm7.invalid>: Helo command rejected: Host not found"),
    ],
)
def test_a_name_that_is_refused_fails_no_message_and_once_mended_all_arrive(
    app, given, rows, arrived, name, words
):
    owed = [given(NotificationFactory, recipient=AMARA) for _ in range(3)]
    app.config["MAIL_EHLO_NAME"] = name
    worker = Worker(app)
    with pytest.raises(ChannelDown):
        deliver(app, worker)
    assert deliver(app, worker) == 0
    assert statuses(rows) == [(Status.QUEUED, 0)] * 3
    with app.app_context():
        assert (read_channel_state().scope, read_channel_state().words) == (ALL_MAIL, words)
    app.config["MAIL_EHLO_NAME"] = ""
    assert deliver(app) == 3
    assert statuses(rows) == [(Status.SENT, 1)] * 3
    assert all(arrived(one) for one in owed)
    with app.app_context():
        assert read_channel_state() is None


def test_the_doctor_finds_the_name_and_sends_nothing(app, server):
    with app.app_context():
        checkup.check_mail()
        app.config["MAIL_EHLO_NAME"] = "localhost"
        with pytest.raises(RuntimeError, match=r"need fully-qualified hostname.*LEADINTAKE_MAIL_EHLO_NAME"):
            checkup.check_mail()
    assert server.arrived("intake") == []


def test_a_recipient_who_is_unknown_fails_that_message_only(app, given, rows, arrived):
    first = given(NotificationFactory, recipient=AMARA)
    given(NotificationFactory, recipient="nobody@firm.example")
    last = given(NotificationFactory, recipient="bruno@firm.example")
    assert deliver(app) == 3
    assert statuses(rows) == [(Status.SENT, 1), (Status.FAILED, 1), (Status.SENT, 1)]
    assert rows(Notification)[1].last_error.startswith("550 5.1.1 <nobody@firm.example>")
    assert arrived(first)
    assert arrived(last)


def test_without_the_right_to_relay_prospects_wait_and_the_firm_is_mailed(app, given, rows, arrived):
    given(NotificationFactory, kind=CONFIRMATION, recipient=STRANGER)
    alert = given(NotificationFactory, recipient=AMARA)
    deliver(app)
    assert statuses(rows) == [(Status.QUEUED, 0), (Status.SENT, 1)]
    assert arrived(alert)
    with app.app_context():
        assert read_channel_state().scope == PROSPECT_MAIL
        assert read_channel_state().words == "554 5.7.1 <…>: Relay access denied"


def test_a_sender_that_is_not_ours_to_use_is_our_fault(app, given, rows):
    given(NotificationFactory, recipient=AMARA)
    app.extensions["mail"].default_sender = "bruno@firm.example"
    with pytest.raises(ChannelDown, match="Sender address rejected"):
        deliver(app)
    assert statuses(rows) == [(Status.QUEUED, 0)]


def test_a_message_that_is_too_large_for_the_server_fails_alone(app, given, rows, arrived):
    given(NotificationFactory, "sent", recipient=AMARA)
    given(NotificationFactory, recipient=AMARA, text="words\n" * MAX_BYTES)
    other = given(NotificationFactory, recipient=AMARA)
    assert deliver(app) == 2
    assert [status for status, _ in statuses(rows)] == [Status.SENT, Status.FAILED, Status.SENT]
    (refused,) = [tried for tried in rows(DeliveryAttempt) if tried.outcome == "refused"]
    assert refused.reply.startswith("552 5.3.4 Message size exceeds fixed limit")
    assert arrived(other)


def test_a_line_that_no_server_need_take_is_the_message_s_fault_or_is_never_sent(app, given, rows, arrived):
    """The words of a message may be one long line; whatever becomes of it, the next one leaves."""
    given(NotificationFactory, "sent", recipient=AMARA)
    given(NotificationFactory, recipient=AMARA, text="long" * 250, html="<p>" + "long" * 250)
    other = given(NotificationFactory, recipient=AMARA)
    assert deliver(app) == 2
    assert Status.QUEUED not in [status for status, _ in statuses(rows)]
    assert arrived(other)
