"""A clock that was wrong for a while delays no message and gives none up.

SQLite throughout: the times are ours, not the database's.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from leadintake.core.db.database import engine_url
from leadintake.leads.models import Lead
from leadintake.notifications.models import DeliveryAttempt, Notification, Status
from tests.factories import UserFactory
from tests.support.later import AHEAD
from tests.support.ledger import LONG, Prospects, audit, record
from tests.support.mailserver import OK, Script, mail_server
from tests.support.server import mail_at, serving, wait_until, working

ENGINE = "sqlite"
SUBMISSIONS = 200 if LONG else 20
AT_ONCE_SECONDS = 60 if LONG else 20
"""What it may take a worker to send all of them."""
AHEAD_BY = {"10 days": timedelta(days=10), "20 minutes": timedelta(minutes=20)}
FIVE_DAYS = timedelta(days=5)


@pytest.fixture
def read(database_url):
    """Reads a column from outside."""

    def values(column) -> list:
        engine = sa.create_engine(engine_url(database_url), poolclass=sa.NullPool)
        with engine.connect() as connection:
            return list(connection.scalars(sa.select(column)))

    return values


@pytest.fixture
def sink() -> Script:
    """A mail server that takes everything."""
    return Script()


@pytest.fixture
def settings_of_mail(sink):
    """Settings of a server whose mail goes there."""
    with mail_server(sink) as port:
        yield mail_at(port)


@pytest.mark.parametrize("ahead", AHEAD_BY)
def test_what_was_owed_while_the_clock_was_ahead_leaves_at_once_when_it_is_right(
    app, given, database_url, tmp_path, settings_of_mail, sink, read, ahead
):
    given(UserFactory)
    uploads = tmp_path / "instance" / "uploads"
    around = {AHEAD: str(AHEAD_BY[ahead].total_seconds())}
    with serving(
        database_url, tmp_path, app="tests.support.later:app", around=around, **settings_of_mail
    ) as wrong:
        prospects = Prospects(wrong.address)
        assert {told.status for told in prospects.crowd(range(SUBMISSIONS))} == {201}
        assert wrong.stop() == 0
    assert min(read(Lead.created_at)) > datetime.now(UTC) + AHEAD_BY[ahead] - timedelta(minutes=1)
    with serving(database_url, tmp_path, **settings_of_mail) as right, working(right):
        prospects.addresses = (right.address,)
        assert prospects.submit(SUBMISSIONS) == 201
        books = lambda: audit(prospects.acknowledged, database_url, uploads, sink=sink.received)
        wait_until(lambda: books().delivered == SUBMISSIONS + 1, "all is sent", AT_ONCE_SECONDS)
    report = books()
    report.assert_kept()
    record(report, f"server's clock ahead by {ahead}", ENGINE)


def test_a_worker_whose_clock_jumped_by_days_gives_nothing_up_and_the_next_delivers_at_once(
    app, given, database_url, tmp_path, settings_of_mail, sink, read
):
    given(UserFactory)
    uploads = tmp_path / "instance" / "uploads"
    sink.says["rcpt"] = ["451 4.3.0 come back later"]
    with serving(database_url, tmp_path, **settings_of_mail) as server:
        prospects = Prospects(server.address)
        assert {told.status for told in prospects.crowd(range(SUBMISSIONS))} == {201}
        with working(server, ahead_seconds=FIVE_DAYS.total_seconds()) as wrong:
            wait_until(
                lambda: len(read(DeliveryAttempt.outcome)) == 2 * SUBMISSIONS, "each message was tried"
            )
            assert wrong.stop() == 0
        assert set(read(DeliveryAttempt.outcome)) == {"deferred"}
        assert set(read(Notification.status)) == {Status.QUEUED}
        assert min(read(Notification.due_at)) > datetime.now(UTC) + FIVE_DAYS - timedelta(minutes=1)
        sink.says["rcpt"] = [OK]
        with working(server):
            books = lambda: audit(prospects.acknowledged, database_url, uploads, sink=sink.received)
            wait_until(lambda: books().delivered == SUBMISSIONS, "all is sent", AT_ONCE_SECONDS)
    report = books()
    report.assert_kept()
    record(report, "worker's clock ahead by 5 days under a 451", ENGINE)
