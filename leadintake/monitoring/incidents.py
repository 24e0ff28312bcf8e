"""One incident a cause, told once to each receiver when it opens and once when it is resolved.

What is known of an incident is a Record: a row of the database, so that any number of watchdogs may run; for
the cause that the database itself is, a file in the instance folder (or, where not even that can be written,
the memory of this process).

A round of a watchdog, for each cause it looked at:

1. Wrong and without a record: make one. The column `cause` is unique; whoever comes second changes nothing.
   Wrong and resolved: open it again. Right and open: resolve it. Each is one more change.
2. Take the lease of a record of which a receiver does not know the last change, in one UPDATE that says under
   which conditions it is free. Commit: no transaction is open while a receiver is asked.
3. Tell each of these receivers; note who took it. A receiver that fails is asked again in the next round.
4. Give the lease back. A resolved record that all know of is removed.

A watchdog that dies between 3 and 4 leaves a lease that ends by itself; the event is then told again, under
the same id. PagerDuty knows it by its key, others by `webhook-id`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol
from urllib.parse import urlsplit

import msgspec
import structlog
from flask import current_app

from leadintake.core import measures
from leadintake.core.alarms import Problem
from leadintake.monitoring.sending import Event, NotDelivered, PagerDuty, Receiver, Webhook

LEASE = timedelta(seconds=60)
"""Longer than telling every receiver of one change can take."""
CHANGES = measures.Counter(
    "leadintake_incidents", "Incidents that opened and were resolved", "cause", "change"
)
FAILURES = measures.Counter(
    "leadintake_incidents_not_delivered", "Attempts to tell of an incident that failed", "receiver"
)
log = structlog.get_logger()


@dataclass
class Record:
    """What is known of one incident."""

    id: str
    cause: str
    opened_at: datetime
    severity: str
    sentence: str
    resolved_at: datetime | None = None
    changes: int = 1
    told: dict[str, int] = field(default_factory=dict)

    def uninformed(self, receivers: Collection[Receiver]) -> list[Receiver]:
        """Who does not know of the last change. Nobody is told the end of what they never knew began."""
        behind = [one for one in receivers if self.told.get(one.name, 0) != self.changes]
        return [one for one in behind if self.resolved_at is None or one.name in self.told]


class Store(Protocol):
    """Where records are kept."""

    def records(self) -> list[Record]:
        """All of them."""

    def open(self, cause: str, problem: Problem) -> bool:
        """Note that a cause is wrong; return whether that is new."""

    def resolve(self, cause: str) -> bool:
        """Note that a cause is right; return whether that is new."""

    def lease(self, cause: str) -> Record | None:
        """The record as it is now, for this watchdog alone; None where another has it."""

    def give_back(self, record: Record) -> None:
        """Keep who was told, unless the record changed meanwhile, and end the lease."""

    def remove(self, record: Record) -> None:
        """Forget a record, unless it changed meanwhile."""


def note(store: Store, found: Mapping[str, Problem | None]) -> None:
    """Write down what was found."""
    for cause, problem in found.items():
        if problem is not None and store.open(cause, problem):
            CHANGES.count(cause, "opened")
            log.error("incident_opened", cause=cause, severity=problem.severity, summary=str(problem))
        elif problem is None and store.resolve(cause):
            CHANGES.count(cause, "resolved")
            log.info("incident_resolved", cause=cause)


def tell(store: Store, receivers: Collection[Receiver]) -> None:
    """Tell whoever does not know. A receiver that does not answer is not asked again in this round."""
    willing = list(receivers)
    for seen in store.records():
        if seen.uninformed(willing) and (record := store.lease(seen.cause)) is not None:
            for receiver in record.uninformed(willing):
                try:
                    receiver.tell(_event(record))
                    record.told[receiver.name] = record.changes
                except NotDelivered as error:
                    willing.remove(receiver)
                    record.told.setdefault(receiver.name, 0)  # it may have taken it all the same
                    FAILURES.count(receiver.name)
                    log.warning("incident_not_delivered", receiver=receiver.name, error=str(error))
            store.give_back(record)
            seen = record
        if seen.resolved_at is not None and not seen.uninformed(receivers):
            store.remove(seen)


def receivers() -> list[Receiver]:
    """Who is to be told, by the settings."""
    config, found = current_app.config, list[Receiver]()
    if config["PAGERDUTY_ROUTING_KEY"]:
        found.append(PagerDuty(config["PAGERDUTY_URL"], config["PAGERDUTY_ROUTING_KEY"]))
    if config["INCIDENT_WEBHOOK_URL"]:
        found.append(Webhook(config["INCIDENT_WEBHOOK_URL"], config["INCIDENT_WEBHOOK_SECRET"]))
    return found


def open_causes(*stores: Store) -> Iterator[str]:
    """The causes that are wrong by the records."""
    return (record.cause for store in stores for record in store.records() if record.resolved_at is None)


def source() -> str:
    """The host of this service, which tells installations apart."""
    public_url: str = current_app.config["PUBLIC_URL"]
    return urlsplit(public_url).netloc


def decode(text: str) -> dict[str, int]:
    """Who was told, as it is kept."""
    return msgspec.json.decode(text, type=dict[str, int])


def _event(record: Record) -> Event:
    return Event(
        key=f"leadintake/{source()}/{record.cause}",
        id=f"{record.id}.{record.changes}",
        cause=record.cause,
        resolved=record.resolved_at is not None,
        severity=record.severity,
        sentence=record.sentence,
        opened_at=record.opened_at,
        resolved_at=record.resolved_at,
        source=source(),
    )
