"""A message need not be a mail: one with a payload leaves by the channel it names, beside the mail."""

from __future__ import annotations

import json
import uuid
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from leadintake.core.db.database import db
from leadintake.core.db.transaction import transaction
from leadintake.core.hooks import When
from leadintake.leads.events import LeadCreated, lead_created
from leadintake.leads.models import Lead, LeadEvent
from leadintake.notifications import channel_state, payloads
from leadintake.notifications.channels.interface import (
    ChannelDown,
    DeliveryInterruption,
    PermanentFailure,
    SenderBlocked,
    TransientFailure,
    UnclearFailure,
    register_channel,
)
from leadintake.notifications.faults import SmtpStep
from leadintake.notifications.models import DeliveryAttempt, Notification, Status
from leadintake.notifications.worker import Worker
from tests.factories import LeadFactory, NotificationFactory, UserFactory
from tests.support.outbox import at, deliver

URL = "https://crm.example.com/hooks/1"


class Hook:
    """A stub of a channel that posts payloads; `answers` are what it says, the last one for ever."""

    def __init__(self, *answers: object) -> None:
        self.answers = [*answers] or ["200 ok"]
        self.taken: list[tuple[str, object]] = []
        self.opened = 0

    @contextmanager
    def open(self):
        self.opened += 1
        if isinstance(self.answers[0], ChannelDown):
            raise self.answers[0]
        yield self

    def deliver(self, owed: Notification) -> str:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        self.taken.append((owed.recipient, json.loads(owed.payload)))
        return str(answer)

    def is_open(self) -> bool:
        return True


def owe(app, number: int = 1, **more: object) -> uuid.UUID:
    """Enqueue a message for the hook."""
    with app.app_context(), transaction():
        return payloads.enqueue("hook", "lead_hook", URL, {"number": number}, **more).id


def stand(rows) -> list[tuple[Status, int, str | None]]:
    return [(one.status, one.attempts, one.last_error) for one in rows(Notification) if one.channel == "hook"]


@pytest.mark.every_engine
def test_it_is_delivered_with_its_payload_and_mail_as_before(app, given, rows):
    hook = Hook()
    register_channel(app, "hook", hook)
    for number in range(3):
        owe(app, number)
    given(NotificationFactory)
    assert deliver(app) == 4
    assert hook.taken == [(URL, {"number": number}) for number in range(3)]
    assert {(one.channel, one.status) for one in rows(Notification)} == {
        ("hook", Status.SENT),
        ("mail", Status.SENT),
    }
    folder = app.extensions["leadintake.channels"]["mail"].folder
    assert len([*folder.glob("*.eml")]) == 1
    assert [one.reply for one in rows(DeliveryAttempt)].count("200 ok") == 3


@pytest.mark.parametrize(
    ("error", "outcome"),
    [(TransientFailure("503 later"), "deferred"), (DeliveryInterruption("reset"), "interrupted")],
)
def test_it_is_tried_again_until_it_is_taken(app, rows, error, outcome):
    hook = Hook(error, "200 ok")
    register_channel(app, "hook", hook)
    with at():
        owe(app)
        deliver(app)
        assert stand(rows) == [(Status.QUEUED, 1, str(error))]
        deliver(app)
        assert stand(rows) == [(Status.QUEUED, 1, str(error))], "not before its pause is over"
    with at(minutes=1):
        deliver(app)
    assert stand(rows) == [(Status.SENT, 2, None)]
    assert [one.outcome for one in rows(DeliveryAttempt)] == [outcome, "sent"]


@pytest.mark.parametrize(
    "error", [PermanentFailure("410 gone"), UnclearFailure("410 gone", SmtpStep.DATA), ValueError("410")]
)
def test_it_fails_for_good_and_the_managers_and_the_history_say_so(app, given, rows, error):
    register_channel(app, "hook", Hook(error))
    manager, lead = given(UserFactory, "manager"), given(LeadFactory)
    owe(app, title="A new lead, to the CRM", lead_id=lead.id)
    deliver(app)
    (owed,) = [one for one in rows(Notification) if one.channel == "hook"]
    assert owed.status is Status.FAILED
    assert "410" in owed.last_error
    assert [one.recipient for one in rows(Notification) if one.kind == "delivery_failed"] == [manager.email]
    assert [one.action for one in rows(LeadEvent)] == ["message_failed"]


@pytest.mark.parametrize("error", [ChannelDown("no route"), SenderBlocked("401 who are you", SmtpStep.DATA)])
def test_a_channel_that_is_down_charges_no_message_and_keeps_no_mail_back(app, given, rows, error, capfd):
    register_channel(app, "hook", Hook(error))
    owe(app)
    given(NotificationFactory)
    worker = Worker(app)
    deliver(app, worker)
    deliver(app, worker)
    assert [(status, attempts) for status, attempts, _ in stand(rows)] == [(Status.QUEUED, 0)]
    assert [one.status for one in rows(Notification) if one.channel == "mail"] == [Status.SENT]
    assert capfd.readouterr().err.count("channel_down") == 1, "it rests"


def test_mail_that_is_down_keeps_no_other_back(app, given, rows):
    mail = Hook(ChannelDown("no route"))
    register_channel(app, "hook", Hook())
    register_channel(app, "mail", mail)
    owe(app)
    given(NotificationFactory)
    with pytest.raises(ChannelDown):
        deliver(app)
    assert stand(rows) == [(Status.SENT, 1, None)]
    assert mail.opened == 1, "it is not tried again beside the others"


@pytest.mark.every_engine
def test_one_of_an_unknown_channel_waits_with_a_reason_and_leaves_once_it_is_known(app, rows, capfd):
    with at():
        owe(app)
        deliver(app)
    reason = "There is no channel named hook here."
    assert stand(rows) == [(Status.QUEUED, 1, reason)]
    assert "channel_unknown" in capfd.readouterr().err
    register_channel(app, "hook", Hook())
    with at(minutes=20):
        deliver(app)
    assert stand(rows) == [(Status.SENT, 2, None)]


def test_nothing_leaves_while_mail_is_held(app, rows):
    hook = Hook()
    register_channel(app, "hook", hook)
    app.config["MAIL_HOLD"] = True
    owe(app)
    assert deliver(app) == 0
    assert hook.taken == []


def test_a_batch_of_confirmations_has_no_other_in_it(app, given, rows):
    hook = Hook()
    register_channel(app, "hook", hook)
    with app.app_context(), transaction():
        for number in range(3):
            payloads.enqueue("hook", "prospect_confirmation", URL, number)
    for _ in range(3):
        given(NotificationFactory, kind="prospect_confirmation", recipient="jane@example.com")
    assert deliver(app) == 6
    assert sorted(payload for _, payload in hook.taken) == [0, 1, 2]
    assert {one.status for one in rows(Notification)} == {Status.SENT}


def test_an_urgent_mail_waits_for_one_payload_at_most(app, given):
    class Alarm(Hook):
        def deliver(self, owed: Notification) -> str:
            given(NotificationFactory)
            return super().deliver(owed)

    hook = Alarm()
    register_channel(app, "hook", hook)
    for number in range(3):
        owe(app, number)
    deliver(app)
    assert len(hook.taken) == 1


def test_a_payload_that_left_is_no_mail_that_left(app, given):
    register_channel(app, "hook", Hook())
    owe(app)
    deliver(app)
    with app.app_context():
        assert channel_state.find_last_sent() is None
    given(NotificationFactory)
    deliver(app)
    with app.app_context():
        assert channel_state.find_last_sent() is not None


def test_a_payload_that_waits_keeps_no_mail_channel_closed(app):
    """Nothing of a closed channel waits: the channel counts as open."""
    with app.app_context(), transaction():
        channel_state.close(channel_state.ALL_MAIL, SmtpStep.RCPT, "550 who are you")
    register_channel(app, "hook", Hook(TransientFailure("503 later")))
    with at():
        owe(app)
        deliver(app)
        with app.app_context():
            assert channel_state.read_channel_state() is None


def test_a_payload_that_no_engine_holds_is_refused(app, rows):
    with pytest.raises(ValueError, match="bytes, more than"), app.app_context(), transaction():
        payloads.enqueue("hook", "lead_hook", URL, "x" * payloads.MAX_BYTES)
    assert rows(Notification) == []


@pytest.mark.every_engine
def test_what_a_process_of_the_version_before_inserts_is_mail(app, given, rows):
    given(NotificationFactory)
    table = Notification.__table__
    old = [column for column in table.columns if column.name not in ("channel", "payload", "id")]
    copy = sa.select(sa.literal(uuid.uuid4(), sa.Uuid()), *old)
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(sa.insert(table).from_select(["id", *old], copy, include_defaults=False))
    assert [(one.channel, one.payload) for one in rows(Notification)] == [("mail", None)] * 2


def test_a_webhook_that_must_not_be_lost_is_a_listener_and_a_channel(app, client, rows, amara):
    """The exercise of docs/architecture.md: the message exists if and only if the lead does."""
    hook = Hook()
    register_channel(app, "hook", hook)

    def owe_hook(told: LeadCreated) -> None:
        payloads.enqueue("hook", "lead_hook", URL, {"lead": str(told.lead_id)}, lead_id=told.lead_id)

    lead_created.connect(app, owe_hook, when=When.IN_TRANSACTION)
    assert client.submit().status_code == 201
    (lead,) = rows(Lead)
    deliver(app)
    assert hook.taken == [(URL, {"lead": str(lead.id)})]
