"""Killed in front of any line: of a submission nothing or everything is there, of a message one record."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from email.message import EmailMessage

import pytest
import sqlalchemy as sa

from leadintake.core.db.database import db, engine_url
from leadintake.documents.models import Document
from leadintake.leads.models import Lead, LeadEvent
from leadintake.notifications.leases import LEASE
from leadintake.notifications.models import DeliveryAttempt, Notification
from tests.factories import UserFactory
from tests.support.dying import Dying, Line, dying
from tests.support.engines import fresh_copy
from tests.support.ledger import LONG, Report, audit, file_of, files_in, record
from tests.support.mailserver import Script, mail_server
from tests.support.server import TOMORROW_SECONDS, Server, mail_at

SPREAD = 12
FEWEST_LINES = 100
SUBMITTING = {
    "documents/storage/local.py": {"save", "_sync_folder"},
    "documents/service.py": {"keep"},
    "core/db/transaction.py": {"commit", "_settle"},
}
"""Where a submission becomes durable: every line of these is tried, of the others some."""
DELIVERING = {
    "notifications/worker.py": {"_deliver_one"},
    "notifications/channels/smtp.py": {"deliver", "data"},
    "notifications/leases.py": {"mark_sent", "_settle"},
}
PAST_THE_LEASE_SECONDS = LEASE.total_seconds() + 5


def chosen(lines: list[Line], closely: Mapping[str, set[str]], every: int) -> list[int]:
    """In front of which lines to kill: all in the long form, else some everywhere and all of the critical.

    A critical line that is come to several times is tried at the last. Of all these only `every` so many.
    """
    numbers = range(1, len(lines) + 1)
    if LONG:
        return list(numbers)
    last = {line: number for number, line in zip(numbers, lines, strict=True)}
    critical = [number for line, number in last.items() if line.function in closely.get(line.file, ())]
    return [*sorted({*numbers[: -1 : len(lines) // SPREAD], *critical})[::every], len(lines)]


class Books:
    """The database and the folder of files, seen from outside."""

    def __init__(self, database_url, uploads) -> None:
        self.engine = sa.create_engine(engine_url(database_url), poolclass=sa.NullPool)
        self.database_url, self.uploads = database_url, uploads

    def rows(self) -> Counter[str]:
        """How many rows there are of all that a submission makes."""
        with self.engine.connect() as connection:
            return Counter(
                {
                    table.__tablename__: connection.scalar(
                        sa.select(sa.func.count()).select_from(table.__table__)
                    )
                    for table in (Lead, Document, LeadEvent, Notification)
                }
            )

    def files(self) -> set[str]:
        """The names of all files, unfinished ones too."""
        return {path.name for path in files_in(self.uploads)}

    def lead_of(self, number: int) -> str | None:
        """The lead of a submission, if it is there with all that belongs to it."""
        key = hashlib.sha256(f"submission-{number}".encode()).hexdigest()
        with self.engine.connect() as connection:
            lead = connection.execute(
                sa.select(Lead.id, Document.key, Document.sha256)
                .join(Document, Lead.resume_id == Document.id)
                .where(Lead.submission_key == key)
            ).one_or_none()
            if lead is None:
                return None
            events = connection.scalars(sa.select(LeadEvent.action).where(LeadEvent.lead_id == lead.id))
            owed = connection.scalars(sa.select(Notification.kind).where(Notification.lead_id == lead.id))
            assert sorted(events) == ["assigned", "submitted"]
            assert sorted(owed) == ["attorney_alert", "prospect_confirmation"]
        stored = hashlib.sha256((self.uploads / lead.key).read_bytes()).hexdigest()
        assert stored == lead.sha256 == hashlib.sha256(file_of(number)).hexdigest()
        return str(lead.id)

    def sendings(self) -> Counter[str]:
        """How often each message is recorded as sent."""
        sent = sa.select(DeliveryAttempt.notification_id).where(DeliveryAttempt.outcome == "sent")
        with self.engine.connect() as connection:
            return Counter(map(str, connection.scalars(sent)))

    def messages(self) -> set[str]:
        """The ids of all messages."""
        with self.engine.connect() as connection:
            return set(map(str, connection.scalars(sa.select(Notification.id))))

    def audit(self, acknowledged, *, faults: int, sink=None) -> Report:
        """Compare with what people were told."""
        return audit(acknowledged, self.database_url, self.uploads, faults=faults, sink=sink)


ONE = Counter(leads=1, documents=1, lead_events=2, notifications=2)


class EveryLine:
    """The promises; each database below keeps them."""

    engine: str
    every = 1
    """In the short form, of how many lines one is tried."""

    @pytest.fixture
    def books(self, database_url, tmp_path) -> Books:
        return Books(database_url, tmp_path / "instance" / "uploads")

    @pytest.fixture
    def sink(self) -> Script:
        return Script()

    @pytest.fixture
    def process(self, app, given, database_url, tmp_path, sink) -> Iterator[Dying]:
        given(UserFactory)
        with app.app_context():
            db.engine.dispose()
        with mail_server(sink) as port:
            server = Server(database_url, tmp_path, **mail_at(port))
            with dying(server.environment, tmp_path / "dying.log") as process:
                yield process

    def test_of_a_submission_nothing_or_everything_is_kept_and_the_same_key_gives_the_one_lead(
        self, process, books, sink
    ):
        acknowledged = {}

        def acknowledge(number: int) -> None:
            told = process.must("submit", number)
            assert told["status"] == 201
            assert told["lead"] == books.lead_of(number)
            acknowledged[told["lead"]] = hashlib.sha256(file_of(number)).hexdigest()

        acknowledge(1)  # the first of all meets an empty table, the others do not
        acknowledge(2)
        whole = process.do("submit", 3)
        acknowledge(3)
        outcomes = Counter()
        points = chosen(whole.lines, SUBMITTING, self.every)
        assert len(whole.lines) > FEWEST_LINES
        for point in points:
            number = 10 + point
            rows, files = books.rows(), books.files()
            end = process.do("submit", number, kill_at=point)
            assert end.killed, f"it did not come to line {point} of {len(whole.lines)}"
            kept = books.lead_of(number)
            assert books.rows() - rows == (ONE if kept else Counter()), whole.lines[point - 1]
            assert len(books.files() - files) in ((1,) if kept else (0, 1)), whole.lines[point - 1]
            outcomes[kept is not None] += 1
            acknowledge(number)
            assert books.rows() - rows == ONE
        assert process.do("submit", 4, kill_at=10 * len(whole.lines)).said["status"] == 201
        acknowledge(4)
        assert outcomes[False] > 0
        assert outcomes[True] > 0
        assert process.must("sweep", ahead_seconds=TOMORROW_SECONDS) == []
        assert process.must("work") == 2 * len(acknowledged)
        report = books.audit(acknowledged, faults=len(points), sink=sink.received)
        report.assert_kept()
        assert len(books.files()) == len(acknowledged) == books.rows()["leads"]
        record(report, f"kill at {len(points)} of {len(whole.lines)} lines: submission", self.engine)

    def test_of_a_delivery_one_sending_is_recorded_and_repeats_have_the_same_message_id(
        self, process, books, sink
    ):
        acknowledged = {}

        def owe(number: int) -> None:
            told = process.must("submit", number)
            acknowledged[told["lead"]] = hashlib.sha256(file_of(number)).hexdigest()

        owe(1)
        assert process.must("work") == 2
        owe(2)
        whole = process.do("work")
        assert whole.said == 2
        assert len(whole.lines) > FEWEST_LINES
        points = chosen(whole.lines, DELIVERING, self.every)
        for point in points:
            owe(10 + point)
            end = process.do("work", kill_at=point)
            assert end.killed, f"it did not come to line {point} of {len(whole.lines)}"
            process.must("work", ahead_seconds=PAST_THE_LEASE_SECONDS)
            assert books.sendings() == Counter(books.messages()), whole.lines[point - 1]
        owe(3)
        assert process.do("work", kill_at=10 * len(whole.lines)).said == 2
        arrivals = arrived(sink)
        assert arrivals.keys() == books.messages()
        assert set(arrivals.values()) == {1, 2}  # some of the deaths fell between sending and recording
        assert len({read(mail) for mail in sink.received}) == len(books.messages())  # repeats are the same
        report = books.audit(acknowledged, faults=len(points), sink=sink.received)
        report.assert_kept()
        record(report, f"kill at {len(points)} of {len(whole.lines)} lines: delivery", self.engine)


def arrived(sink: Script) -> Counter[str]:
    """How often each message arrived."""
    return Counter(str(mail["Message-ID"]).strip("<>").split("@")[0] for mail in sink.received)


def read(mail: EmailMessage) -> tuple[str, ...]:
    """All that a reader sees of a message, and the Message-ID."""
    headers = (str(mail[name]) for name in ("Message-ID", "Date", "From", "To", "Subject"))
    return (*headers, *(str(mail.get_body([kind]).get_content()) for kind in ("plain", "html")))


class TestSQLite(EveryLine):
    """A file that the dead process had open."""

    engine = "sqlite"
    every = 4


class TestPostgreSQL(EveryLine):
    """A server that outlives its client."""

    engine = "postgresql"
    every = 9

    @pytest.fixture
    def database_url(self, postgres, tmp_path):
        return fresh_copy(postgres.url, tmp_path)
