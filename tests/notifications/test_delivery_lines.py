"""Every delivery writes one line, which names the request it goes back to and nobody's address."""

from __future__ import annotations

from contextlib import contextmanager

import pytest

from leadintake.core.db.transaction import transaction
from leadintake.notifications.channels.interface import (
    ChannelDown,
    DeliveryInterruption,
    PermanentFailure,
    TransientFailure,
)
from leadintake.notifications.models import Notification
from leadintake.notifications.service import notifications
from tests.factories import NotificationFactory, UserFactory
from tests.support.logs import lines_of
from tests.support.outbox import deliver

CANARY = "canary@prospect.example"


@pytest.fixture
def settings():
    return {"LOG_FORMAT": "json"}


class Answering:
    """A channel that answers in one way."""

    def __init__(self, answer):
        self.answer = answer

    @contextmanager
    def open(self):
        if isinstance(self.answer, ChannelDown):
            raise self.answer
        yield self

    def deliver(self, _notification):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def is_open(self):
        return True


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (f"250 {CANARY} ok", "sent"),
        (DeliveryInterruption(CANARY), "interrupted"),
        (TransientFailure(f"451 {CANARY}"), "deferred"),
        (PermanentFailure(f"550 <{CANARY}>: no such user"), "refused"),
        (ZeroDivisionError(CANARY), "broken"),
    ],
)
def test_it_says_what_came_of_it(answer, result, app, given, capfd):
    owed = given(NotificationFactory, recipient=CANARY, request_id="of-the-request")
    app.extensions["leadintake.channels"]["mail"] = Answering(answer)
    deliver(app)
    written = capfd.readouterr().err
    (line,) = lines_of(written, "delivery")
    assert line.pop("ms") >= 0
    assert line.pop("timestamp")
    assert line == {
        "event": "delivery",
        "level": "info",
        "message": str(owed.id),
        "kind": "attorney_alert",
        "result": result,
        "attempts": 1,
        "request_id": "of-the-request",
    }
    assert CANARY not in written


def test_a_message_carries_the_id_of_the_request_it_was_owed_by(app, client, given, rows, capfd):
    given(UserFactory)
    answer = client.submit()
    ids = {owed.request_id for owed in rows(Notification)}
    assert ids == {answer.headers["X-Request-Id"]}
    capfd.readouterr()
    deliver(app)
    lines = lines_of(capfd.readouterr().err, "delivery")
    assert len(lines) == len(rows(Notification)) == 2
    assert {line["request_id"] for line in lines} == ids


def test_what_an_operator_or_a_clock_began_has_none(app, rows):
    with app.app_context(), transaction():
        notifications.enqueue("audit_head", "far@away.example", head="1:0", moment="now")
    (owed,) = rows(Notification)
    assert (owed.request_id, owed.traceparent) == (None, None)


def test_lines_that_a_channel_writes_meanwhile_carry_the_id(app, given, capfd):
    given(NotificationFactory, request_id="of-the-request")
    deliver(app)  # into the folder
    (line,) = lines_of(capfd.readouterr().err, "mail_written")
    assert line["request_id"] == "of-the-request"
    assert "person" not in str(line)
