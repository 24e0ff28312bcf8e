"""Causes: problems that an operator must act on.

Rooms register detectors; watchdog and desk query them. A cause is a short, stable name with at most one
incident at a time. A Problem's text leaves this machine: only fixed sentences, numbers and times; no name,
address, host or path.
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

from leadintake.core.clock import format_local
from leadintake.core.db.transaction import rollback

FRESH_SECONDS = 15.0
"""Age at which a page of the desk refreshes the problems."""
Severity = Literal["critical", "warning"]
log = structlog.get_logger()


@dataclass(frozen=True)
class Problem:
    """A problem and its remedy: texts for `_`, and their `values`."""

    sentence: str
    advice: str
    values: Mapping[str, object] = field(default_factory=dict)
    severity: Severity = "critical"
    page: str = ""
    """Endpoint of the desk's page that solves it, if any."""

    def __str__(self) -> str:
        return self.format(format_local)

    def format(self, format_time: Callable[[datetime], str]) -> str:
        """Return the sentence in English, times formatted by `format_time`."""
        return self.sentence % self.format_values(format_time)

    def format_values(self, format_time: Callable[[datetime], str]) -> dict[str, object]:
        """Return the values, times formatted by `format_time`."""
        items = self.values.items()
        return {name: format_time(value) if isinstance(value, datetime) else value for name, value in items}


Detector = Callable[[], Problem | None]


class _Registration(NamedTuple):
    detect: Detector
    follows: Collection[str]


@dataclass
class _Cache:
    lock: threading.Lock = field(default_factory=threading.Lock)
    problems: dict[str, Problem | None] = field(default_factory=dict)
    checked_at: float = 0.0


def register(app: Flask, cause: str, detector: Detector, *, follows: Collection[str] = ()) -> None:
    """Register a cause; its detector is skipped while a cause in `follows` has a problem."""
    app.extensions.setdefault("leadintake.alarms", {})[cause] = _Registration(detector, follows)


def causes() -> list[str]:
    """Return all causes."""
    return list(current_app.extensions.get("leadintake.alarms", {}))


def find_problems() -> dict[str, Problem | None]:
    """Return the problem of each cause, or None; omit causes that were skipped or whose detector failed.

    Causes that follow from others run last.
    """
    found: dict[str, Problem | None] = {}
    registered: Mapping[str, _Registration] = current_app.extensions.get("leadintake.alarms", {})
    for cause, registration in sorted(registered.items(), key=lambda item: len(item[1].follows)):
        if any(found.get(earlier) for earlier in registration.follows):
            continue
        try:
            found[cause] = registration.detect()
        except Exception as error:  # noqa: BLE001 - one failed detector must not hide other causes
            log.warning("cause_not_known", cause=cause, error=type(error).__name__)
            if isinstance(error, SQLAlchemyError):
                rollback()  # a failed transaction takes no more statements
    return found


def recent_problems() -> dict[str, Problem]:
    """Return the last problems. After FRESH_SECONDS one caller refreshes them; others do not wait for it."""
    cache: _Cache = current_app.extensions.setdefault("leadintake.alarms_cache", _Cache())
    fresh = cache.checked_at and time.monotonic() - cache.checked_at < FRESH_SECONDS
    if not fresh and cache.lock.acquire(blocking=False):
        try:
            cache.problems, cache.checked_at = find_problems(), time.monotonic()
        finally:
            cache.lock.release()
    return {cause: problem for cause, problem in cache.problems.items() if problem}
