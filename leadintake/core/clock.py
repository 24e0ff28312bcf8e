"""The time, and time zones by their IANA names."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

from flask import current_app

REGIONS = (
    "Africa/", "America/", "Antarctica/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/",
    "Pacific/",
)  # fmt: skip
"""Of zones named by a city. The others are older names of the same."""


_delay: ContextVar[timedelta] = ContextVar("clock_delay", default=timedelta())


def now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC) - _delay.get()


@contextmanager
def set_back(delay: timedelta) -> Iterator[None]:
    """Let `now` return earlier times in this thread: the demonstration's leads are of different ages."""
    token = _delay.set(delay)
    try:
        yield
    finally:
        _delay.reset(token)


def is_zone(name: str) -> bool:
    """Return whether there is a time zone of this name, such as America/New_York."""
    try:
        ZoneInfo(name)
    except (OSError, ValueError, LookupError):
        return False
    return True


@functools.cache
def zone_names() -> Sequence[str]:
    """Return the names to choose from."""
    return ("UTC", *sorted(name for name in available_timezones() if name.startswith(REGIONS)))


def format_local(instant: datetime) -> str:
    """Return `2026-07-01 14:00 CEST`: the firm's time and zone, for texts that have no one reader."""
    return f"{instant.astimezone(firm_zone()):%Y-%m-%d %H:%M %Z}"


def firm_zone() -> ZoneInfo:
    """Return the firm's time zone (TIMEZONE)."""
    return ZoneInfo(current_app.config["TIMEZONE"])
