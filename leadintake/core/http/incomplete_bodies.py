"""Seats for arriving bodies: a server thread that waits for bytes serves no other request.

1. A body takes two seats before it is read (`admit`): one of BODIES_PER_ADDRESS of its address or signed-in
   person, and one of its group: three quarters of the threads for strangers, an eighth for signed-in people.
2. Without a free seat it waits up to MAX_WAIT_SECONDS, while a body in one of these seats makes progress. If
   all have stalled, or few threads remain, it is refused at once: 429 for its address or person, 503 for its
   group.
3. The seats are free when the body is complete, refused or answered (`finish`); later work does not count.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from leadintake.core.errors import Refusal, Unavailable
from leadintake.core.i18n.languages import N_

MAX_WAIT_SECONDS = 0.3
STALL_SECONDS = 0.1
"""A body stalls after so long without a byte."""
CHECK_INTERVAL_SECONDS = 0.05
RESERVE_THREADS = 4
"""Threads that no waiting body may occupy."""


class TooManyBodies(Refusal):
    """The address sends more bodies at once than BODIES_PER_ADDRESS."""

    status = 429
    title = N_("Too Many Requests")

    def __init__(self) -> None:
        super().__init__(
            N_("Too much is on its way from here at once. Please wait a little and try again."),
            headers={"Retry-After": "5"},
        )


class Crowded(Unavailable):
    """All seats of the group are taken."""

    broken = False

    def __init__(self) -> None:
        super().__init__(
            N_("Too many people send something slowly right now. Please try again in a moment."),
            retry_after=5,
        )


@dataclass(frozen=True)
class Sender:
    """The address or signed-in person that a body counts for."""

    key: str
    signed_in: bool = False


@dataclass(eq=False)
class Arrival:
    """An arriving body. `since`: start of the current read."""

    sender: Sender
    since: float = field(default_factory=time.monotonic)


class IncompleteBodies:
    """The arriving bodies of this process."""

    def __init__(self, per_sender: int, threads: int) -> None:
        self.per_sender = per_sender
        self.bounds = {False: max(1, threads * 3 // 4), True: max(1, threads // 8)}
        self._most_threads = max(1, threads - RESERVE_THREADS)
        self._change = threading.Condition()
        self._seats: dict[Sender, set[Arrival]] = {}
        self._groups: dict[bool, set[Arrival]] = {False: set(), True: set()}
        self._waiting = 0

    def admit(self, sender: Sender) -> Arrival:
        """Give a body its seats. Raises TooManyBodies or Crowded before anything is read."""
        with self._change:
            end = time.monotonic() + MAX_WAIT_SECONDS
            while (holders := self._find_holders(sender)) is not None:
                if not self._may_wait(holders) or time.monotonic() >= end:
                    raise self._refusal(sender)
                self._waiting += 1
                try:
                    self._change.wait(CHECK_INTERVAL_SECONDS)
                finally:
                    self._waiting -= 1
            arrival = Arrival(sender)
            self._seats.setdefault(sender, set()).add(arrival)
            self._groups[sender.signed_in].add(arrival)
            return arrival

    def finish(self, arrival: Arrival) -> None:
        """Free the seats. May be repeated."""
        with self._change:
            seats = self._seats.get(arrival.sender, set())
            if arrival in seats:
                seats.remove(arrival)
                if not seats:
                    del self._seats[arrival.sender]
                self._groups[arrival.sender.signed_in].remove(arrival)
                self._change.notify_all()

    def _find_holders(self, sender: Sender) -> Iterable[Arrival] | None:
        """Return the bodies in the seats that the sender needs; None if both are free."""
        seats, group = self._seats.get(sender, set()), self._groups[sender.signed_in]
        if self.per_sender and len(seats) >= self.per_sender:
            return seats
        return group if len(group) >= self.bounds[sender.signed_in] else None

    def _may_wait(self, holders: Iterable[Arrival]) -> bool:
        if sum(len(group) for group in self._groups.values()) + self._waiting >= self._most_threads:
            return False
        now = time.monotonic()
        return any(now - arrival.since < STALL_SECONDS for arrival in holders)

    def _refusal(self, sender: Sender) -> Refusal:
        full = self.per_sender and len(self._seats.get(sender, ())) >= self.per_sender
        return TooManyBodies() if full else Crowded()
