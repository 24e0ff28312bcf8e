"""Working hours, written as `mon-fri 09:00-17:30`, in local time."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from datetime import datetime, time

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
PATTERN = re.compile(
    r"(mon|tue|wed|thu|fri|sat|sun)(?:-(mon|tue|wed|thu|fri|sat|sun))? (\d\d):(\d\d)-(\d\d):(\d\d)"
)


@functools.cache
def parse(text: str) -> tuple[frozenset[int], time, time]:
    """Return weekdays (Monday is 0), begin and end; 24:00 as time.max.

    Raises ValueError, also for an end not after the begin: night hours are two entries.
    """
    found = PATTERN.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not written like 'mon-fri 09:00-17:30'")
    first, last = DAYS.index(found[1]), DAYS.index(found[2] or found[1])
    days = frozenset((first + step) % 7 for step in range((last - first) % 7 + 1))
    begin = time(int(found[3]), int(found[4]))
    end = time.max if (found[5], found[6]) == ("24", "00") else time(int(found[5]), int(found[6]))
    if end <= begin:
        raise ValueError(f"{text!r} ends before it begins")
    return days, begin, end


def is_within(hours: Sequence[str], local: datetime) -> bool:
    """Return whether a local time is within these hours. Without hours: True."""
    clock = local.time()
    return not hours or any(
        local.weekday() in days and begin <= clock and (clock < end or end == time.max)
        for days, begin, end in map(parse, hours)
    )
