"""Full outboxes before real workers: alerts overtake, nothing goes twice, a kill repeats one mail at most."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from leadintake.core.clock import now
from leadintake.core.db.database import db, engine_url
from leadintake.core.db.transaction import transaction
from leadintake.notifications.batches import MAX_RESERVED
from leadintake.notifications.models import OUTBOX, DeliveryAttempt, Status
from tests.factories import UserFactory
from tests.support.ledger import LONG, Prospects, audit, end_leases, record
from tests.support.mailserver import HANG, Script, mail_server
from tests.support.server import Server, Worker, mail_at, running, serving, wait_until, working

CONFIRMATION, ALERT = "prospect_confirmation", "attorney_alert"
CONFIRMATIONS_IN_FRONT = 10_000
ALERTS = 20 if LONG else 3
ALERTED_WITHIN_SECONDS = 5
SECONDS_A_MAIL = 0.1
"""What a relay at some distance takes."""
WORKERS = 4
CROWD, PARTS = 2000 if LONG else 100, 10
"""So many confirmations, and as many alerts in so many parts."""
PROSPECTS = 2 * MAX_RESERVED + 5
HELD = MAX_RESERVED
"""Whose confirmation is the first of the second batch: nine are reserved behind it, five are not."""
DELIVERED_WITHIN_SECONDS = 600 if LONG else 90


class Relay(Script):
    """A mail server that takes its time, and notes when it had which message."""

    def __init__(self) -> None:
        super().__init__()
        self.had_at: dict[str, datetime] = {}

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's name
        """Take the message."""
        await asyncio.sleep(SECONDS_A_MAIL)
        reply = await super().handle_DATA(server, session, envelope)
        self.had_at[id_of(self.received[-1])] = now()
        return reply


def id_of(mail) -> str:
    """The message that a mail is, by its Message-ID."""
    return str(mail["Message-ID"]).strip("<>").split("@")[0]


def arrivals(sink: Script) -> Counter[str]:
    """How often each message arrived."""
    return Counter(map(id_of, list(sink.received)))


class Outbox:
    """The messages that a server wrote, seen from outside."""

    def __init__(self, database_url: str) -> None:
        self._url = engine_url(database_url)

    def messages(self, **wanted: object) -> list[sa.Row]:
        """Messages with these values, oldest first."""
        return self._read(sa.select(OUTBOX).filter_by(**wanted).order_by(OUTBOX.c.id))

    def outcomes(self) -> Counter[str]:
        """What came of all tries."""
        return Counter(row.outcome for row in self._read(sa.select(DeliveryAttempt.outcome)))

    def is_sent(self) -> bool:
        """Whether all of it is recorded as sent."""
        return not self._read(sa.select(OUTBOX.c.id).where(OUTBOX.c.status != Status.SENT).limit(1))

    def _read(self, query: sa.Select) -> list[sa.Row]:
        engine = sa.create_engine(self._url, poolclass=sa.NullPool)
        with engine.connect() as connection:
            return list(connection.execute(query).all())


@pytest.fixture
def outbox(database_url) -> Outbox:
    return Outbox(database_url)


def fill(app, kind: str, number: int) -> None:
    """Owe so many messages of a kind, by plain rows: they have waited for an hour."""
    addresses = [f"waiting{each}@example.com" for each in range(number)]
    same = {"kind": kind, "subject": "words", "text": "words", "html": "<p>words</p>"}
    rows = [
        {**same, "recipient": address, "mailbox": address, "due_at": now() - timedelta(hours=1)}
        for address in addresses
    ]
    with app.app_context(), transaction():
        db.session.execute(sa.insert(OUTBOX), rows)
    with app.app_context():
        db.engine.dispose()


class Overtaking:
    """One worker, and confirmations for a quarter of an hour at least."""

    def test_ten_thousand_confirmations_keep_no_alert_for_more_than_five_seconds(
        self, app, given, outbox, database_url, tmp_path
    ):
        given(UserFactory)
        fill(app, CONFIRMATION, CONFIRMATIONS_IN_FRONT)
        relay = Relay()
        with (
            mail_server(relay) as port,
            serving(database_url, tmp_path, **mail_at(port)) as server,
            working(server),
        ):
            prospects = Prospects(server.address)
            wait_until(lambda: len(relay.had_at) > MAX_RESERVED, "the worker is in the midst of a batch")
            for number in range(ALERTS):
                assert prospects.submit(number) == 201
                alert = outbox.messages(kind=ALERT)[-1]
                wait_until(lambda: str(alert.id) in relay.had_at, "the alert arrives")  # noqa: B023
        alerts = outbox.messages(kind=ALERT)
        seconds = [(relay.had_at[str(alert.id)] - alert.created_at).total_seconds() for alert in alerts]
        assert len(seconds) == ALERTS
        assert max(seconds) < ALERTED_WITHIN_SECONDS, seconds
        left = outbox.messages(kind=CONFIRMATION, status=Status.QUEUED)
        assert len(left) > CONFIRMATIONS_IN_FRONT / 2  # it was a row to wait in to the end
        assert set(arrivals(relay).values()) == {1}


class TestOvertakingOnSQLite(Overtaking):
    """One file for all of them."""


@pytest.mark.long_form
@pytest.mark.on_postgresql
class TestOvertakingOnPostgreSQL(Overtaking):
    """Row locks."""


@pytest.mark.every_engine
def test_four_workers_at_once_send_every_message_once(app, outbox, database_url, tmp_path):
    """Alerts come while confirmations leave."""
    sink = Script()
    sink.go_on.clear()
    with mail_server(sink) as port, ExitStack() as stack:
        settings = Server(database_url, tmp_path, **mail_at(port))  # not started
        workers = [Worker(settings, ahead_seconds=0, around=None) for _ in range(WORKERS)]
        with ThreadPoolExecutor(WORKERS) as starting:
            list(starting.map(lambda worker: stack.enter_context(running(worker)), workers))
        fill(app, CONFIRMATION, CROWD)
        wait_until(lambda: len(sink.recipients) == WORKERS, "each worker has a message in hand")
        sink.go_on.set()
        for part in range(PARTS):
            wait_until(lambda: len(sink.received) > part * CROWD // PARTS, "some are sent")  # noqa: B023
            fill(app, ALERT, CROWD // PARTS)
        wait_until(outbox.is_sent, "every message is sent", DELIVERED_WITHIN_SECONDS)
        assert [worker.stop() for worker in workers] == [0] * WORKERS
    assert all(re.search(r"\bdelivery\b.*result=sent", worker.log.read_text()) for worker in workers)
    assert arrivals(sink) == Counter(str(owed.id) for owed in outbox.messages())
    assert len(sink.received) == 2 * CROWD
    assert outbox.outcomes() == {"sent": 2 * CROWD}


class Killed:
    """A worker that dies with one message begun and nine reserved behind it."""

    @pytest.mark.parametrize(
        ("held", "repeated"),
        [
            pytest.param("taken", 1, id="which the server had taken"),
            pytest.param("data", 0, id="which the server had not taken", marks=pytest.mark.long_form),
        ],
    )
    def test_in_a_batch_repeats_at_most_the_message_it_had_begun(
        self, held, repeated, app, given, outbox, database_url, tmp_path, engine_name
    ):
        given(UserFactory)
        last = f"jane{HELD}@example.com"
        sink = Script(**{f"{held} {last}": [HANG, "250 2.0.0 queued as 4712"]})
        with (
            mail_server(sink) as port,
            serving(database_url, tmp_path, **mail_at(port)) as server,
        ):
            prospects = Prospects(server.address)
            assert [prospects.submit(number) for number in range(PROSPECTS)] == [201] * PROSPECTS
            with working(server) as doomed:
                wait_until(lambda: len(sink.raw) == PROSPECTS + HELD + 1, "it waits for an answer")
                doomed.kill()
            (begun,) = outbox.messages(status=Status.SENDING)
            assert begun.recipient == last
            reserved = [one for one in outbox.messages(status=Status.QUEUED) if one.claimed_by]
            assert {one.claimed_by for one in reserved} == {begun.claimed_by}
            assert len(reserved) == MAX_RESERVED - 1
            with working(server):
                theirs = {str(one.id) for one in (begun, *reserved)}
                others = lambda: arrivals(sink).keys() - theirs
                everybody_else = 2 * PROSPECTS - MAX_RESERVED
                wait_until(lambda: len(others()) == everybody_else, "what nobody reserved is sent")
                assert arrivals(sink).keys() & theirs == ({str(begun.id)} if repeated else set())
                end_leases(database_url)
                wait_until(outbox.is_sent, "the rest is taken over", DELIVERED_WITHIN_SECONDS)
        times = arrivals(sink)
        assert times.keys() == {str(owed.id) for owed in outbox.messages()}
        assert {one: number for one, number in times.items() if number > 1} == (
            {str(begun.id): 2} if repeated else {}
        )
        assert outbox.outcomes() == {"sent": 2 * PROSPECTS, "lost": 1}
        assert [owed.id for owed in outbox.messages() if owed.attempts > 1] == [begun.id]
        uploads = tmp_path / "instance" / "uploads"
        report = audit(prospects.acknowledged, database_url, uploads, sink=sink.received)
        report.assert_kept()
        record(report, f"kill -9 of a worker in a batch, {repeated} repeated", engine_name)


class TestKilledOnSQLite(Killed):
    """With the leases' end set by hand in the short form."""


@pytest.mark.long_form
@pytest.mark.on_postgresql
class TestKilledOnPostgreSQL(Killed):
    """With leases that end by themselves."""
