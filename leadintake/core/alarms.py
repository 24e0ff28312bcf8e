"""What can be wrong in a way that somebody must act on: rooms register a look, watchdog and desk ask.

A cause is a short name that never changes; for each that is wrong there is one incident at a time. What a
Problem says leaves this machine: phrases of ours with numbers and times, no name, address, host or path.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple

import structlog
from flask import Flask, current_app
from sqlalchemy.exc import SQLAlchemyError

from leadintake.core.transaction import rollback

FRESH_SECONDS = 15.0
"""How old the answer may be that a page of the desk shows."""
Severity = Literal["critical", "warning"]
log = structlog.get_logger()


@dataclass(frozen=True)
class Problem:
    """What is wrong and what to do, as phrases for `said`; `values` fill the sentence."""

    sentence: str
    advice: str
    values: Mapping[str, object] = field(default_factory=dict)
    severity: Severity = "critical"
    page: str = ""
    """The endpoint of the desk's page where one can act, if there is one."""

    def __str__(self) -> str:
        return self.in_words(lambda instant: f"{instant:%Y-%m-%d %H:%M} UTC")

    def in_words(self, moment: Callable[[datetime], str]) -> str:
        """The sentence in English, times as `moment` says them."""
        return self.sentence % self.filled(moment)

    def filled(self, moment: Callable[[datetime], str]) -> dict[str, object]:
        """The values of the sentence, times as `moment` says them."""
        items = self.values.items()
        return {name: moment(value) if isinstance(value, datetime) else value for name, value in items}


Look = Callable[[], Problem | None]


class _Registered(NamedTuple):
    look: Look
    follows: Collection[str]


@dataclass
class _Known:
    guard: threading.Lock = field(default_factory=threading.Lock)
    found: dict[str, Problem | None] = field(default_factory=dict)
    at: float = 0.0


def register(app: Flask, cause: str, look: Look, *, follows: Collection[str] = ()) -> None:
    """Add a cause. It is not looked at while one of those it `follows` from is wrong."""
    app.extensions.setdefault("leadintake.alarms", {})[cause] = _Registered(look, follows)


def names() -> list[str]:
    """Every cause there is."""
    return list(current_app.extensions.get("leadintake.alarms", {}))


def look() -> dict[str, Problem | None]:
    """What is wrong now by cause, None where nothing is. Causes that cannot be told are left out.

    Those that others follow from come first, in the order of registration otherwise.
    """
    found: dict[str, Problem | None] = {}
    registered: Mapping[str, _Registered] = current_app.extensions.get("leadintake.alarms", {})
    for cause, one in sorted(registered.items(), key=lambda item: len(item[1].follows)):
        if any(found.get(earlier) for earlier in one.follows):
            continue
        try:
            found[cause] = one.look()
        except Exception as error:  # noqa: BLE001 - a cause that cannot be told hides no other
            log.warning("cause_not_known", cause=cause, error=type(error).__name__)
            if isinstance(error, SQLAlchemyError):
                rollback()  # nothing more can be asked in a transaction that failed
    return found


def wrong() -> dict[str, Problem]:
    """What is wrong, as this process found out a moment ago. One caller finds out, the others go on."""
    known: _Known = current_app.extensions.setdefault("leadintake.alarms_known", _Known())
    fresh = known.at and time.monotonic() - known.at < FRESH_SECONDS
    if not fresh and known.guard.acquire(blocking=False):
        try:
            known.found, known.at = look(), time.monotonic()
        finally:
            known.guard.release()
    return {cause: problem for cause, problem in known.found.items() if problem}
