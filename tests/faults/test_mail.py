"""Mail that is down, silent, picky or not to be trusted: nobody notices who submits, and all of it leaves.

SQLite throughout: what a mail server does is the same to every database.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from leadintake import create_app
from leadintake.core.db.database import db, engine_url
from leadintake.core.db.transaction import transaction
from leadintake.notifications.models import DeliveryAttempt, Notification, Status
from tests.factories import UserFactory
from tests.support.engines import fresh_copy
from tests.support.ledger import LONG, Prospects, Report, audit, record
from tests.support.mailserver import DROP, OK, Script, certificate, free_port, mail_server, raw_server
from tests.support.scanner import silent
from tests.support.server import Server, mail_at, serving, wait_until, working

ENGINE = "sqlite"
SUBMISSIONS = 200 if LONG else 20
AT_ONCE = 4
SOON_SECONDS, DELIVERED_WITHIN_SECONDS = 1.0, 90
GREYLISTED, REFUSED, DROPPED, ABANDONED = range(10), 10, 11, 12
"""Who among the prospects of the office meets what."""
NO_SUCH_USER = "550 5.1.1 no such user here"
COME_BACK = "451 4.7.1 greylisted, come back later"
MANAGER = "max@firm.example.com"


def address_of(number: int) -> str:
    """Where a prospect of that number has mail."""
    return f"jane{number}@example.com"


def slow_ones(prospects: Prospects) -> float:
    """How long one in twenty of them waited at least, in seconds."""
    return sorted(told.seconds for told in prospects.answers)[int(0.95 * len(prospects.answers))]


@dataclass
class Office:
    """A firm whose mail server treats each recipient in another way, and what became of the messages."""

    server: Server
    sink: Script
    prospects: Prospects
    database_url: str
    uploads: Path
    killed_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def lead_of(self, number: int) -> str:
        """The lead of a prospect."""
        (lead,) = self.prospects.leads[number]
        return lead

    def messages(self, **wanted: object) -> list[sa.Row]:
        """Messages with these values, oldest first."""
        rows = sa.select(Notification.__table__).filter_by(**wanted).order_by(Notification.id)
        return self._read(rows)

    def outcomes(self, message) -> list[str]:
        """What came of every try of a message."""
        return [attempt.outcome for attempt in self.attempts(message)]

    def attempts(self, message) -> list[sa.Row]:
        """Every try of a message, oldest first."""
        tries = sa.select(DeliveryAttempt.__table__).filter_by(notification_id=message.id)
        return self._read(tries.order_by(DeliveryAttempt.id))

    def arrivals(self, message) -> int:
        """How often a message arrived."""
        return sum(str(message.id) in mail["Message-ID"] for mail in self.sink.received)

    def report(self, *numbers: int, faults: int = 1) -> Report:
        """What the books say of some of the prospects."""
        of_them = {self.lead_of(number) for number in numbers}
        told = {lead: sha for lead, sha in self.prospects.acknowledged.items() if lead in of_them}
        return audit(told, self.database_url, self.uploads, faults=faults, sink=self.sink.received)

    def wait_for(self, *numbers: int) -> Report:
        """Wait until all messages about these prospects are sent; what the books say then."""
        wait_until(
            lambda: self.report(*numbers).delivered == len(numbers), "all is sent", DELIVERED_WITHIN_SECONDS
        )
        report = self.report(*numbers)
        report.assert_kept()
        return report

    def _read(self, rows: sa.Select) -> list[sa.Row]:
        engine = sa.create_engine(engine_url(self.database_url), poolclass=sa.NullPool)
        with engine.connect() as connection:
            return list(connection.execute(rows).all())


@pytest.fixture(scope="module", autouse=True)
def office(template, tmp_path_factory) -> Iterator[Office]:
    """Opened before the first test, so that its minute of waiting passes while the others run."""
    folder = tmp_path_factory.mktemp("office")
    database_url = fresh_copy(template, folder)
    sink = Script(
        **{f"rcpt {address_of(number)}": [COME_BACK, OK] for number in GREYLISTED},
        **{f"rcpt {address_of(REFUSED)}": NO_SUCH_USER},
        **{f"taken {address_of(DROPPED)}": [DROP, "250 2.0.0 queued again"]},
    )
    app = create_app(DATABASE_URL=database_url, INSTANCE_PATH=str(folder / "instance"))
    with app.app_context(), transaction():
        UserFactory()
        UserFactory(manager=True, email=MANAGER)
    with app.app_context():
        db.engine.dispose()
    with ExitStack() as stack:
        port = stack.enter_context(mail_server(sink))
        server = stack.enter_context(serving(database_url, folder, **mail_at(port)))
        opened = Office(server, sink, Prospects(server.address), database_url, folder / "instance/uploads")
        sink.go_on.clear()
        with working(server) as doomed:
            assert opened.prospects.submit(ABANDONED) == 201
            assert sink.at_data.wait(30)
            opened.killed_at = datetime.now(UTC)
            doomed.kill()
        sink.go_on.set()
        stack.enter_context(working(server))
        told = opened.prospects.crowd([*GREYLISTED, REFUSED, DROPPED])
        assert {one.status for one in told} == {201}
        yield opened


class TestAServerThatIsAway:
    """Nobody who submits notices; when it is back, everything leaves."""

    def all_leaves(self, server, prospects, port, database_url, uploads) -> Report:
        sink = Script()
        with mail_server(sink, port):
            returned = time.monotonic()
            books = lambda: audit(prospects.acknowledged, database_url, uploads, sink=sink.received)
            wait_until(
                lambda: books().delivered == SUBMISSIONS, "all mail is delivered", DELIVERED_WITHIN_SECONDS
            )
            assert time.monotonic() - returned < DELIVERED_WITHIN_SECONDS
        report = books()
        report.assert_kept()
        assert len(sink.received) == 2 * SUBMISSIONS
        return report

    def test_with_its_port_closed(self, app, given, database_url, tmp_path):
        given(UserFactory)
        port, uploads = free_port(), tmp_path / "instance" / "uploads"
        with serving(database_url, tmp_path, **mail_at(port)) as server, working(server) as worker:
            prospects = Prospects(server.address)
            assert {told.status for told in prospects.crowd(range(SUBMISSIONS), AT_ONCE)} == {201}
            wait_until(lambda: "mail_channel_down" in worker.log.read_text(), "the worker knocks in vain")
            report = self.all_leaves(server, prospects, port, database_url, uploads)
        record(report, "mail server down", ENGINE)
        assert slow_ones(prospects) < SOON_SECONDS

    def test_behind_a_port_that_says_nothing(self, app, given, database_url, tmp_path):
        given(UserFactory)
        uploads = tmp_path / "instance" / "uploads"
        with ExitStack() as stack:
            with raw_server(silent) as port:
                settings = mail_at(port, MAIL_TIMEOUT="2")
                server = stack.enter_context(serving(database_url, tmp_path, **settings))
                worker = stack.enter_context(working(server))
                prospects = Prospects(server.address)
                assert {told.status for told in prospects.crowd(range(SUBMISSIONS), AT_ONCE)} == {201}
                wait_until(lambda: "mail_channel_down" in worker.log.read_text(), "the worker gave it up")
            report = self.all_leaves(server, prospects, port, database_url, uploads)
        record(report, "mail server silent", ENGINE)
        assert slow_ones(prospects) < SOON_SECONDS


def test_to_a_server_nobody_vouches_for_nothing_is_said_until_its_certificate_is_trusted(
    app, given, database_url, tmp_path
):
    given(UserFactory)
    context, trusted = certificate(tmp_path)
    sink, uploads = Script(), tmp_path / "instance" / "uploads"
    with (
        mail_server(sink, tls_context=context, require_starttls=True) as port,
        serving(database_url, tmp_path, **mail_at(port, MAIL_USE_TLS="true")) as server,
    ):
        prospects = Prospects(server.address)
        assert {told.status for told in prospects.crowd(range(3))} == {201}
        with working(server) as worker:
            reason = r"mail_channel_down.*certificate verify failed"
            wait_until(lambda: re.search(reason, worker.log.read_text()), "the worker refuses to go on")
            doctor = server.run("doctor", "--format", "json")
            assert doctor.returncode == 1
            (mail,) = [row for row in json.loads(doctor.stdout) if row["part"] == "mail"]
            assert mail["state"] == "wrong"
            assert "certificate verify failed" in mail["detail"]
            assert worker.stop() == 0
        assert (sink.senders, sink.recipients, sink.raw) == ([], [], [])
        with working(server, around={"SSL_CERT_FILE": str(trusted)}):
            books = lambda: audit(prospects.acknowledged, database_url, uploads, sink=sink.received)
            wait_until(lambda: books().delivered == 3, "all is sent")
    report = books()
    report.assert_kept()
    record(report, "mail server with a bad certificate", ENGINE)


def test_a_recipient_who_does_not_exist_is_given_up_at_once_and_a_manager_is_told(office):
    lead = office.lead_of(REFUSED)
    wait_until(lambda: office.messages(status=Status.FAILED), "the message is given up")
    listed = office.server.run("outbox", "list", "--status", "failed", "--format", "json")
    (failed,) = json.loads(listed.stdout)
    assert (failed["recipient"], failed["attempts"]) == (address_of(REFUSED), 1)
    assert failed["last_error"] == NO_SUCH_USER
    (notice,) = office.messages(kind="delivery_failed")
    assert notice.recipient == MANAGER
    wait_until(lambda: office.arrivals(notice) == 1, "the manager is told")
    proven = office.server.run("outbox", "prove", lead, "--format", "json")
    tries = {(row["kind"], row["outcome"]): row["reply"] for row in json.loads(proven.stdout)}
    assert tries == {
        ("attorney_alert", "sent"): "250 2.0.0 queued as 4711",
        ("prospect_confirmation", "refused"): NO_SUCH_USER,
        ("delivery_failed", "sent"): "250 2.0.0 queued as 4711",
    }
    report = office.report(REFUSED)
    report.assert_stored()
    record(report, "550 for one recipient", ENGINE)


def test_greylisted_messages_are_taken_at_the_second_try_half_a_minute_later(office):
    report = office.wait_for(*GREYLISTED)
    for number in GREYLISTED:
        (message,) = office.messages(recipient=address_of(number))
        first, second = office.attempts(message)
        assert (first.outcome, first.reply, second.outcome) == ("deferred", COME_BACK, "sent")
        assert 29 < seconds_between(first.created_at, second.created_at) < DELIVERED_WITHIN_SECONDS
        assert office.arrivals(message) == 1
    record(report, "greylisting", ENGINE)


def test_what_was_taken_before_the_connection_broke_comes_again_under_the_same_message_id(office):
    report = office.wait_for(DROPPED)
    (message,) = office.messages(recipient=address_of(DROPPED))
    assert office.outcomes(message) == ["interrupted", "sent"]
    assert office.arrivals(message) == 2
    record(report, "connection lost after DATA", ENGINE)


def test_the_message_of_a_worker_killed_in_the_middle_is_taken_over_when_its_lease_ends(office):
    report = office.wait_for(ABANDONED)
    (message,) = [one for one in office.messages() if office.outcomes(one) == ["lost", "sent"]]
    assert str(message.lead_id) == office.lead_of(ABANDONED)
    assert 30 < seconds_between(office.killed_at, message.sent_at) < 75
    assert office.arrivals(message) == 1  # the sink had not taken it when the worker died
    record(report, "kill -9 of a worker in DATA, real lease", ENGINE)


def seconds_between(earlier: datetime, later: datetime) -> float:
    """How long it was."""
    return (later - earlier).total_seconds()
