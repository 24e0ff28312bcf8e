"""How many bodies may be under way at once: a server thread that waits for bytes serves nobody else.

1. Before anything of it is read, a body takes a seat (`admit`): one of the BODIES_PER_ADDRESS of its
   address, or of the person who is signed in; and one of those that strangers (three quarters of the
   threads) or people who are signed in (an eighth) may take together.
2. Where none is free, it waits a moment, but only while those who have the seats get on: bodies that have
   arrived whole are read in no time, and let the next ones pass. Where everybody has stopped sending, and
   where few threads remain, it is refused at once: 429 for the address, 503 for all.
3. The seat is given back when the body is whole, or refused, or with the answer (`finish`). What happens to
   the request afterwards, and for how long, is not counted.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from leadintake.core.errors import Refusal, Unavailable
from leadintake.core.languages import phrase

MOMENT_SECONDS = 0.3
STOPPED_SECONDS = 0.1
"""Who has sent nothing for so long makes nobody wait for them."""
LOOK_EVERY_SECONDS = 0.05
KEPT_FREE = 4
"""Threads that nobody may wait in, not even for a moment."""


class TooManyBodies(Refusal):
    """The address sends more bodies at once than BODIES_PER_ADDRESS."""

    status = 429
    title = phrase("Too Many Requests")

    def __init__(self) -> None:
        super().__init__(
            phrase("Too much is on its way from here at once. Please wait a little and try again."),
            headers={"Retry-After": "5"},
        )


class Crowded(Unavailable):
    """All the threads that may wait for clients do."""

    broken = False

    def __init__(self) -> None:
        super().__init__(
            phrase("Too many people send something slowly right now. Please try again in a moment."),
            retry_after=5,
        )


@dataclass(frozen=True)
class Sender:
    """Whose bodies are counted together: those of an address, or of somebody who is signed in."""

    key: str
    signed_in: bool = False


@dataclass(eq=False)
class Arrival:
    """One body under way. `since`: when the read began that is going on."""

    sender: Sender
    since: float = field(default_factory=time.monotonic)


class Unfinished:
    """The bodies under way in one process."""

    def __init__(self, each: int, threads: int) -> None:
        self.each = each
        self.bounds = {False: max(1, threads * 3 // 4), True: max(1, threads // 8)}
        self._most_in_all = max(1, threads - KEPT_FREE)
        self._change = threading.Condition()
        self._seats: dict[Sender, set[Arrival]] = {}
        self._groups: dict[bool, set[Arrival]] = {False: set(), True: set()}
        self._waiting = 0

    def admit(self, sender: Sender) -> Arrival:
        """Give a body a seat. Raises TooManyBodies or Crowded, before a byte of it was read."""
        with self._change:
            end = time.monotonic() + MOMENT_SECONDS
            while (in_the_way := self._in_the_way(sender)) is not None:
                if not self._may_wait(in_the_way) or time.monotonic() >= end:
                    raise self._refusal(sender)
                self._waiting += 1
                try:
                    self._change.wait(LOOK_EVERY_SECONDS)
                finally:
                    self._waiting -= 1
            arrival = Arrival(sender)
            self._seats.setdefault(sender, set()).add(arrival)
            self._groups[sender.signed_in].add(arrival)
            return arrival

    def finish(self, arrival: Arrival) -> None:
        """Take the seat back. May be told twice."""
        with self._change:
            seats = self._seats.get(arrival.sender, set())
            if arrival in seats:
                seats.remove(arrival)
                if not seats:
                    del self._seats[arrival.sender]
                self._groups[arrival.sender.signed_in].remove(arrival)
                self._change.notify_all()

    def _in_the_way(self, sender: Sender) -> Iterable[Arrival] | None:
        """Those who have the seats that the sender needs; None where there is one left."""
        seats, group = self._seats.get(sender, set()), self._groups[sender.signed_in]
        if self.each and len(seats) >= self.each:
            return seats
        return group if len(group) >= self.bounds[sender.signed_in] else None

    def _may_wait(self, in_the_way: Iterable[Arrival]) -> bool:
        if sum(len(group) for group in self._groups.values()) + self._waiting >= self._most_in_all:
            return False
        now = time.monotonic()
        return any(now - arrival.since < STOPPED_SECONDS for arrival in in_the_way)

    def _refusal(self, sender: Sender) -> Refusal:
        full = self.each and len(self._seats.get(sender, ())) >= self.each
        return TooManyBodies() if full else Crowded()
