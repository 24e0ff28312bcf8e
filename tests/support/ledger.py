"""What people were told beside what is kept: the books of every fault test."""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import requests
import sqlalchemy as sa

from leadintake.core.clock import now
from leadintake.core.db.database import engine_url
from leadintake.documents.models import Document
from leadintake.leads.distribution.alerts import FAILURE
from leadintake.leads.models import Lead
from leadintake.notifications.models import DeliveryAttempt, Notification, Status
from tests.support.client import PDF

LONG = os.environ.get("LEADINTAKE_FAULTS") == "full"
"""Whether to take the long form of each fault: more rounds, larger crowds, leases that end by themselves."""
ANSWER_WITHIN_SECONDS = 3.0
"""How soon a prospect is told that it does not work now."""
WAIT_SECONDS = 30
AT_ONCE = 16
MESSAGES_EACH = 2
"""What is owed for one lead that has an attorney: the alert and the confirmation."""


@dataclass(frozen=True)
class Answer:
    """What one submission was told, and after how many seconds. No status: there was no answer."""

    number: int
    status: int | None
    seconds: float
    at: float
    headers: Mapping[str, str] = field(default_factory=dict)

    def says_try_again(self) -> bool:
        """Whether this is a 503 that says when, in the one shape of errors and in good time."""
        return (
            self.status == 503
            and self.headers.get("Content-Type") == "application/problem+json"
            and int(self.headers.get("Retry-After", "0")) > 0
            and self.seconds < ANSWER_WITHIN_SECONDS
        )


class Prospects:
    """Many people posting at once, each with a file of their own, each remembering what they were told."""

    def __init__(self, *addresses: str, keyed: bool = True, padding: int = 0) -> None:
        """`padding` makes each file so many bytes larger."""
        self.addresses = addresses
        self.keyed = keyed
        self.padding = padding
        self.acknowledged: dict[str, str] = {}
        self.leads: dict[int, set[str]] = {}
        self.answers: list[Answer] = []
        self._told = threading.Condition()

    @property
    def refusals(self) -> dict[int, int]:
        """How many answers there were of each status that is no success."""
        return dict(Counter(told.status for told in self.answers if told.status and told.status != 201))

    @property
    def no_answer(self) -> int:
        """How many submissions ended without an answer."""
        return sum(told.status is None for told in self.answers)

    def submit(self, number: int) -> int | None:
        """Post one form and return the status; no answer is an answer too."""
        return self.ask(number).status

    def ask(self, number: int) -> Answer:
        """Post one form and return all that was told."""
        content = file_of(number, self.padding)
        form = {"first_name": "Jane", "last_name": f"Doe {number}", "email": f"jane{number}@example.com"}
        began = time.monotonic()
        try:
            answer = requests.post(
                f"{self.addresses[number % len(self.addresses)]}/public/leads",
                data=form,
                files={"resume_file": ("resume.pdf", content, "application/pdf")},
                headers={"Idempotency-Key": f"submission-{number}"} if self.keyed else {},
                timeout=WAIT_SECONDS,
            )
            lead = answer.json()["id"] if answer.status_code == 201 else None
        except requests.RequestException:
            return self._note(Answer(number, None, time.monotonic() - began, time.monotonic()))
        told = Answer(number, answer.status_code, time.monotonic() - began, time.monotonic(), answer.headers)
        return self._note(told, lead, hashlib.sha256(content).hexdigest())

    def insist(self, number: int) -> Answer:
        """Ask, and ask again under the same key as long as the answer is to come back later."""
        while (told := self.ask(number)).status == 503:
            time.sleep(float(told.headers["Retry-After"]))
        return told

    def crowd(
        self, numbers: Iterable[int], at_once: int = AT_ONCE, *, insisting: bool = False
    ) -> list[Answer]:
        """Submit all of them, so many at once; what they were told, in their order."""
        with ThreadPoolExecutor(at_once) as people:
            return list(people.map(self.insist if insisting else self.ask, numbers))

    def wait_for(self, acknowledged: int, seconds: float = 60) -> None:
        """Wait until so many were acknowledged."""
        with self._told:
            enough = self._told.wait_for(lambda: len(self.acknowledged) >= acknowledged, seconds)
        assert enough, (
            f"{len(self.acknowledged)} of {acknowledged} were acknowledged; refused: {self.refusals}"
        )

    def unserved(self) -> list[int]:
        """Who was refused or had no answer, and never a lead since."""
        return sorted({told.number for told in self.answers} - set(self.leads))

    def _note(self, told: Answer, lead: str | None = None, sha256: str = "") -> Answer:
        with self._told:
            self.answers.append(told)
            if lead is not None:
                self.acknowledged[lead] = sha256
                self.leads.setdefault(told.number, set()).add(lead)
                self._told.notify_all()
        return told


def file_of(number: int, padding: int = 0) -> bytes:
    """A PDF that nobody else sends: a comment behind the end, and the end once more."""
    return b"%s%%%% %d %s\n%s" % (PDF, number, b"." * padding, PDF[PDF.rindex(b"startxref") :])


@dataclass
class Report:
    """What the books say after a fault."""

    faults: int
    acknowledged: int
    stored: int = 0
    """Acknowledged leads that are there with their file, unharmed, and all their messages."""
    delivered: int = 0
    """Acknowledged leads whose messages are all recorded as sent (and arrived, where that can be seen)."""
    duplicates: list[str] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)

    def assert_stored(self) -> None:
        """Nothing acknowledged is lost and nothing is there twice."""
        assert (self.stored, self.duplicates) == (self.acknowledged, []), self

    def assert_kept(self) -> None:
        """Every promise: stored once, delivered, and nothing left over."""
        self.assert_stored()
        assert (self.delivered, self.orphans) == (self.acknowledged, []), self


def audit(
    acknowledged: Mapping[str, str],
    database_url: str,
    uploads: Path,
    *,
    faults: int = 1,
    sink: Sequence[EmailMessage] | None = None,
) -> Report:
    """Compare what people were told (lead id: SHA-256) with rows, files, and the messages that arrived."""
    files = {path.name: path for path in files_in(uploads)}
    leads, documents, messages, sendings = _read(database_url)
    report = Report(faults=faults, acknowledged=len(acknowledged))
    arrived = None if sink is None else {str(mail["Message-ID"]).strip("<>").split("@")[0] for mail in sink}
    of_lead: dict[Any, list[Any]] = {}
    for message in messages:
        if message.kind == FAILURE:
            continue  # owed to the managers because of another message
        of_lead.setdefault(message.lead_id, []).append(message)
    for lead in leads:
        sha256 = acknowledged.get(str(lead.id))
        own = of_lead.get(lead.id, [])
        if sha256 is not None:
            document = documents.get(lead.resume_id)
            whole = document is not None and document.sha256 == sha256 == _sum(files.get(document.key))
            report.stored += whole and len(own) == MESSAGES_EACH
            report.delivered += len(own) == MESSAGES_EACH and all(_is_delivered(one, arrived) for one in own)
        if sum(message.kind == "attorney_alert" for message in own) > 1:
            report.duplicates.append(f"lead {lead.id} has more than one alert")
    report.duplicates += _repeated("key", [lead.submission_key for lead in leads if lead.submission_key])
    report.duplicates += _repeated("message sent", sendings)
    report.orphans = _orphans(leads, documents, messages, files)
    return report


def files_in(uploads: Path) -> list[Path]:
    """The files of uploads, unfinished ones too: not the storage's marker, not the trash."""
    if not uploads.is_dir():
        return []
    return sorted(path for path in uploads.iterdir() if path.is_file() and not path.name.startswith("."))


def record(report: Report, name: str, engine: str) -> None:
    """Append the report to the file that LEADINTAKE_FAULT_REPORT names, if it names one."""
    path = os.environ.get("LEADINTAKE_FAULT_REPORT")
    if path:
        with Path(path).open("a", encoding="utf-8") as lines:
            lines.write(json.dumps({"name": name, "engine": engine, "long": LONG, **asdict(report)}) + "\n")


def end_leases(database_url: str) -> None:
    """Let the leases of workers that are gone end now; the long form waits for the minute they last."""
    if LONG:
        return
    engine = sa.create_engine(engine_url(database_url), poolclass=sa.NullPool)
    taken = sa.update(Notification).where(Notification.claimed_by.is_not(None))
    with engine.begin() as connection:
        connection.execute(taken.values(due_at=now()))


def _read(database_url: str) -> tuple[Sequence[Any], dict[Any, Any], Sequence[Any], list[Any]]:
    engine = sa.create_engine(engine_url(database_url), poolclass=sa.NullPool)
    sent = sa.select(DeliveryAttempt.notification_id).where(DeliveryAttempt.outcome == "sent")
    with engine.connect() as connection:
        leads = connection.execute(sa.select(Lead.id, Lead.resume_id, Lead.submission_key)).all()
        kept = connection.execute(sa.select(Document.id, Document.key, Document.sha256)).all()
        owed = sa.select(Notification.id, Notification.lead_id, Notification.kind, Notification.status)
        messages = connection.execute(owed).all()
        return leads, {document.id: document for document in kept}, messages, list(connection.scalars(sent))


def _is_delivered(message: Any, arrived: Collection[str] | None) -> bool:
    return message.status == Status.SENT and (arrived is None or str(message.id) in arrived)


def _sum(path: Path | None) -> str | None:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path else None


def _repeated(what: str, values: Iterable[Any]) -> list[str]:
    return [f"{what} {value}: {times} times" for value, times in Counter(values).items() if times > 1]


def _orphans(
    leads: Sequence[Any], documents: Mapping[Any, Any], messages: Sequence[Any], files: Collection[str]
) -> list[str]:
    keys = {document.key for document in documents.values()}
    owned = {lead.resume_id for lead in leads}
    known = {lead.id for lead in leads}
    found = [f"file {name} without row" for name in sorted(set(files) - keys)]
    found += [f"row {key} without file" for key in sorted(keys - set(files))]
    found += [f"row {key.key} without lead" for key in documents.values() if key.id not in owned]
    found += [f"message {one.id} without lead" for one in messages if one.lead_id not in known]
    return found
