"""Incidents: one per cause, with each change sent once to each receiver.

A Record is a row of the database, shared by any number of watchdogs; for the cause `database`, an entry of a
file in the instance folder (in memory, if that cannot be written).

Each round of a watchdog, for each cause it checked:

1. Problem without a record: create one; `cause` is unique, so a second watchdog changes nothing. Problem on a
   resolved record: reopen it. A warning became critical: escalate it. No problem on an open record: resolve
   it, unless another watchdog found one lately: a machine's own (disk, connections) is invisible elsewhere.
   Each counts as one change.
2. Lease a record whose last change a receiver lacks, in one UPDATE with the conditions under which it is
   free. Commit: no transaction stays open during a request.
3. Send the change to these receivers; note which accepted it. A failed one is retried in the next round.
4. Release the lease. Delete a resolved record that all receivers know.

If a watchdog dies between 3 and 4, the lease expires and the event is sent again with the same id. PagerDuty
deduplicates by its key, others by `webhook-id`.
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
from leadintake.core.clock import now
from leadintake.monitoring.sending import Event, NotDelivered, PagerDuty, Receiver, Webhook

LEASE = timedelta(seconds=60)
"""Longer than sending one change to every receiver takes."""
PROBLEM_VALIDITY = timedelta(minutes=3)
"""Validity of a watchdog's problem."""
UNSTABLE_CAUSES = ("database", "storage", "scanner")
"""Causes found by a request to another program, which may fail once: sent only if found again."""
CONFIRM_SECONDS = 30
"""Minimum time from opening until found again; rounds are a minute apart."""
CHANGES = measures.Counter(
    "leadintake_incidents", "Incidents that opened, became critical and were resolved", "cause", "change"
)
FAILURES = measures.Counter(
    "leadintake_incidents_not_delivered", "Attempts to tell of an incident that failed", "receiver"
)
log = structlog.get_logger()


@dataclass
class Record:
    """The state of one incident."""

    id: str
    cause: str
    opened_at: datetime
    severity: str
    sentence: str
    resolved_at: datetime | None = None
    changes: int = 1
    """Number of changes so far."""
    told: dict[str, int] = field(default_factory=dict)
    """Last change that each receiver accepted."""
    wrong_by: dict[str, int] = field(default_factory=dict)
    """Time of the last problem found by each watchdog, in seconds since 1970."""

    @property
    def confirmed(self) -> bool:
        """Whether to send it: a single failure of an unstable part is not sent."""
        if self.cause not in UNSTABLE_CAUSES or self.resolved_at is not None or not self.wrong_by:
            return True
        return max(self.wrong_by.values()) - self.opened_at.timestamp() >= CONFIRM_SECONDS

    def find_uninformed(self, receivers: Collection[Receiver]) -> list[Receiver]:
        """Return the receivers that lack the last change. One without the opening gets no resolution."""
        lagging = [receiver for receiver in receivers if self.told.get(receiver.name, 0) != self.changes]
        return [receiver for receiver in lagging if self.resolved_at is None or receiver.name in self.told]

    def record_problem(self, problem: Problem, watchdog: str) -> str:
        """Record a watchdog's problem; return `opened`, `escalated` or "" (nothing new).

        An escalated incident stays critical until it is resolved: changing severities are one event.
        """
        reopened = self.resolved_at is not None
        escalated = problem.severity == "critical" != self.severity
        if reopened:
            self.opened_at, self.resolved_at, self.wrong_by = now(), None, {}
        if reopened or escalated:
            self.severity, self.sentence, self.changes = problem.severity, str(problem), self.changes + 1
        self.wrong_by = {**self._recent_wrong_by(), watchdog: int(now().timestamp())}
        return "opened" if reopened else "escalated" if escalated else ""

    def record_recovery(self, watchdog: str) -> bool:
        """Record that a watchdog found no problem; return whether that resolves the incident.

        It does not while another watchdog, with other disks or connections, finds one.
        """
        self.wrong_by.pop(watchdog, None)
        if self.resolved_at is not None or self._recent_wrong_by():
            return False
        self.resolved_at, self.changes = now(), self.changes + 1
        return True

    def _recent_wrong_by(self) -> dict[str, int]:
        since = (now() - PROBLEM_VALIDITY).timestamp()
        return {watchdog: at for watchdog, at in self.wrong_by.items() if at > since}


class Store(Protocol):
    def records(self) -> list[Record]: ...

    def open(self, cause: str, problem: Problem, watchdog: str) -> str:
        """Record a problem; return `opened`, `escalated` or "" (nothing new)."""

    def resolve(self, cause: str, watchdog: str) -> bool:
        """Record that there is no problem; return whether that resolves an incident."""

    def lease(self, cause: str) -> Record | None:
        """Lease and return the current record; None if another watchdog has it."""

    def release(self, record: Record) -> None:
        """Save which receivers accepted which change; end the lease."""

    def remove(self, record: Record) -> None:
        """Delete a record, unless it changed meanwhile."""


def record_findings(store: Store, findings: Mapping[str, Problem | None], watchdog: str) -> None:
    """Store and log a watchdog's findings."""
    for cause, problem in findings.items():
        if problem is not None:
            if change := store.open(cause, problem, watchdog):
                CHANGES.count(cause, change)
                words = {"severity": problem.severity, "summary": str(problem)}
                log.error(f"incident_{change}", cause=cause, **words)
        elif store.resolve(cause, watchdog):
            CHANGES.count(cause, "resolved")
            log.info("incident_resolved", cause=cause)


def notify(store: Store, receivers: Collection[Receiver]) -> set[str]:
    """Send changes to the receivers that lack them; return the causes of confirmed problems.

    A receiver that fails is not tried again in this call.
    """
    reachable = list(receivers)
    records = [record for record in store.records() if record.confirmed]
    for seen in records:
        if seen.find_uninformed(reachable) and (record := store.lease(seen.cause)) is not None:
            for receiver in record.find_uninformed(reachable):
                try:
                    receiver.notify(_event(record))
                    record.told[receiver.name] = record.changes
                except NotDelivered as error:
                    reachable.remove(receiver)
                    # Despite the error it may have accepted the opening: it will get the resolution.
                    record.told.setdefault(receiver.name, 0)
                    FAILURES.count(receiver.name)
                    log.warning("incident_not_delivered", receiver=receiver.name, error=str(error))
            store.release(record)
            seen = record
        if seen.resolved_at is not None and not seen.find_uninformed(receivers):
            store.remove(seen)
    return {record.cause for record in records if record.resolved_at is None}


def receivers() -> list[Receiver]:
    """Return the configured receivers."""
    config, found = current_app.config, list[Receiver]()
    if config["PAGERDUTY_ROUTING_KEY"]:
        found.append(PagerDuty(config["PAGERDUTY_URL"], config["PAGERDUTY_ROUTING_KEY"]))
    if config["INCIDENT_WEBHOOK_URL"]:
        found.append(Webhook(config["INCIDENT_WEBHOOK_URL"], config["INCIDENT_WEBHOOK_SECRET"]))
    return found


def open_causes(*stores: Store) -> Iterator[str]:
    """Return the causes of open records."""
    return (record.cause for store in stores for record in store.records() if record.resolved_at is None)


def source() -> str:
    """Return this service's host, the name of the installation."""
    public_url: str = current_app.config["PUBLIC_URL"]
    return urlsplit(public_url).netloc


def encode(numbers: Mapping[str, int]) -> str:
    """Serialise `told` or `wrong_by`."""
    return msgspec.json.encode(numbers).decode()


def decode(text: str) -> dict[str, int]:
    """Deserialise `told` or `wrong_by`."""
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
