"""Sign-in throttle, counted in the database: shared by workers, kept over restarts.

Failures are counted by keyed hash, for

- one account from one address or known device: limited by RATE_LIMIT_LOGINS;
- one address, all accounts (password spraying), without known devices;
- one account, all addresses (distributed guessing), without known devices.

The last two double the delay with each failure beyond a threshold, up to a bound.

Strangers cannot lock a user out: known devices are counted apart, delayed attempts are not counted, and
choosing a password by a mailed link makes the browser known.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from flask import current_app
from limits import RateLimitItem, parse_many

from leadintake.auth.models import SignInAttempt
from leadintake.core.clock import now
from leadintake.core.crypto import keyed_hash
from leadintake.core.db import locks
from leadintake.core.db.database import db, read_only
from leadintake.core.db.transaction import become_writer, on_rollback, transaction
from leadintake.core.http.limits import TooMany, client_limit_key

LOCK = "sign_in"
FREE_TIMES = 5
"""Failures of an address or account before delays, as a multiple of a pair's limit."""
MAX_ADDRESS_WAIT, MAX_ACCOUNT_WAIT = 300, 60
"""Seconds."""
MAX_READ = 1000
CLOCKS_DIFFER = timedelta(minutes=1)
"""Between machines. Later attempts come from a wrong clock and are ignored."""


@dataclass(frozen=True)
class _Count:
    """A throttled subject. `longest_wait`: bound of doubling delays in seconds; 0: fixed limits."""

    subject: str
    longest_wait: int = 0

    @property
    def key(self) -> str:
        return keyed_hash("sign-in", self.subject)


@contextmanager
def limit_attempt(account: str, device: str | None, *, counts: type[Exception]) -> Iterator[None]:
    """Throttle the block, one sign-in attempt. Raises TooMany.

    1. Count the attempt before the block, so that concurrent attempts gain nothing.
    2. Unless the block raises `counts`, delete the count.
    """
    place = client_limit_key()
    tallies = [_Count(_pair(account, device, place))]
    if device is None:  # strangers at the same address must not delay a known device
        tallies.append(_Count(f"address|{place}", MAX_ADDRESS_WAIT))
        tallies.append(_Count(f"account|{account}", MAX_ACCOUNT_WAIT))
    attempt = _enter(tallies)
    try:
        yield
    except counts:
        raise
    except Exception:
        on_rollback(lambda: _take_back_in_transaction(attempt))
        raise
    _take_back(attempt)


def count(act: str, *, device: str | None = None) -> None:
    """Count an act limited per address or known device. Raises TooMany."""
    _enter([_Count(f"{act}|{device or client_limit_key()}")])


def _pair(account: str, device: str | None, place: str) -> str:
    return f"pair|{account}|{device or place}"


def _enter(tallies: Sequence[_Count]) -> list[SignInAttempt]:
    """Count an attempt in a transaction of its own, or raise TooMany and count nothing.

    1. Check the limits without a lock, so that a flood of refused attempts blocks no other.
    2. Acquire the lock, check again, and count.
    """
    limits = current_app.config["RATE_LIMIT_LOGINS"]
    rates = parse_many(limits) if limits else []
    if not rates:
        return []
    moment = now()
    longest = timedelta(seconds=max(rate.get_expiry() for rate in rates))
    if not db.session().in_transaction():
        with read_only():
            _refuse_early(tallies, rates, moment, longest)
            db.session.rollback()
    with transaction():
        locks.acquire(LOCK)
        past = SignInAttempt.at.between(moment - longest, moment + CLOCKS_DIFFER)
        db.session.execute(sa.delete(SignInAttempt).where(~past))
        _refuse_early(tallies, rates, moment, longest)
        attempt = [SignInAttempt(key=one.key, at=moment) for one in tallies]
        db.session.add_all(attempt)
        db.session.flush()
        for row in attempt:
            db.session.expunge(row)
    return attempt


def _refuse_early(
    tallies: Sequence[_Count], rates: Sequence[RateLimitItem], moment: datetime, longest: timedelta
) -> None:
    wait = max(_seconds_to_wait(one, rates, moment, moment - longest) for one in tallies)
    if wait > 0:
        raise TooMany(math.ceil(min(wait, longest.total_seconds())))


def _seconds_to_wait(
    tally: _Count, rates: Sequence[RateLimitItem], moment: datetime, since: datetime
) -> float:
    """Return seconds until the next permitted attempt."""
    until = moment + CLOCKS_DIFFER
    failed = sa.select(SignInAttempt.at).where(
        SignInAttempt.key == tally.key, SignInAttempt.at > since, SignInAttempt.at <= until
    )
    times = db.session.scalars(failed.order_by(SignInAttempt.at.desc()).limit(MAX_READ)).all()
    if tally.longest_wait:
        beyond = len(times) - FREE_TIMES * rates[0].amount
        if beyond < 0:
            return 0
        delay = min(2 ** min(beyond, 16), tally.longest_wait)
        return float(delay - (moment - times[0]).total_seconds())
    waits = [
        rate.get_expiry() - (moment - times[rate.amount - 1]).total_seconds()
        for rate in rates
        if len(times) >= rate.amount
    ]
    return max(waits, default=0)


def _take_back(attempt: Sequence[SignInAttempt]) -> None:
    become_writer()  # single sign-on comes back by GET
    db.session.execute(sa.delete(SignInAttempt).where(SignInAttempt.id.in_([row.id for row in attempt])))


def _take_back_in_transaction(attempt: Sequence[SignInAttempt]) -> None:
    with transaction():
        _take_back(attempt)
