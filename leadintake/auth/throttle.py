"""Sign-in throttle, counted in the database: shared by workers, kept over restarts.

Failures are counted by keyed hash of a subject:

- pair: one account from one address or known device. Limited by RATE_LIMIT_LOGINS;
- address, all accounts (password spraying);
- account, all addresses (distributed guessing).

The last two exclude known devices. Beyond a threshold each failure doubles their delay, up to a bound.

Strangers cannot lock a user out: known devices are counted apart, refused attempts are not counted, and a
password chosen by a mailed link makes the browser known.
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
"""Failures of an address or account without delay, as a multiple of a pair's limit."""
MAX_ADDRESS_WAIT, MAX_ACCOUNT_WAIT = 300, 60
"""Seconds."""
MAX_READ = 1000
CLOCKS_DIFFER = timedelta(minutes=1)
"""Between machines. Attempts further in the future are ignored."""


@dataclass(frozen=True)
class _Subject:
    """What failures are counted for. `longest_wait`: bound of doubling delays in seconds; 0: fixed limits."""

    name: str
    longest_wait: int = 0

    @property
    def key(self) -> str:
        return keyed_hash("sign-in", self.name)


@contextmanager
def limit_attempt(account: str, device: str | None, *, counts: type[Exception]) -> Iterator[None]:
    """Throttle one sign-in attempt: the block. Raises TooMany.

    1. Count the attempt and commit, so that concurrent attempts gain nothing.
    2. Run the block. If it raises `counts`, the attempt stays counted.
    3. Otherwise uncount it: with the caller's transaction, or after its rollback if the block raised.
    """
    address = client_limit_key()
    subjects = [_Subject(_pair(account, device, address))]
    if device is None:  # strangers at the same address must not delay a known device
        subjects.append(_Subject(f"address|{address}", MAX_ADDRESS_WAIT))
        subjects.append(_Subject(f"account|{account}", MAX_ACCOUNT_WAIT))
    attempt = _count_attempt(subjects)
    try:
        yield
    except counts:
        raise
    except Exception:
        on_rollback(lambda: _uncount_in_transaction(attempt))
        raise
    _uncount(attempt)


def count(act: str, *, device: str | None = None) -> None:
    """Count an act, limited per address or known device. Raises TooMany."""
    _count_attempt([_Subject(f"{act}|{device or client_limit_key()}")])


def _pair(account: str, device: str | None, address: str) -> str:
    return f"pair|{account}|{device or address}"


def _count_attempt(subjects: Sequence[_Subject]) -> list[SignInAttempt]:
    """Count an attempt in its own transaction, or raise TooMany.

    1. Check without a lock, so that a flood of refused attempts blocks nothing.
    2. Lock, check again, count.
    """
    limits = current_app.config["RATE_LIMIT_LOGINS"]
    rates = parse_many(limits) if limits else []
    if not rates:
        return []
    moment = now()
    longest = timedelta(seconds=max(rate.get_expiry() for rate in rates))
    if not db.session().in_transaction():
        with read_only():
            _refuse_over_limit(subjects, rates, moment, longest)
            db.session.rollback()
    with transaction():
        locks.acquire(LOCK)
        past = SignInAttempt.at.between(moment - longest, moment + CLOCKS_DIFFER)
        db.session.execute(sa.delete(SignInAttempt).where(~past))
        _refuse_over_limit(subjects, rates, moment, longest)
        attempt = [SignInAttempt(key=subject.key, at=moment) for subject in subjects]
        db.session.add_all(attempt)
        db.session.flush()
        for row in attempt:
            db.session.expunge(row)
    return attempt


def _refuse_over_limit(
    subjects: Sequence[_Subject], rates: Sequence[RateLimitItem], moment: datetime, longest: timedelta
) -> None:
    wait = max(_seconds_to_wait(subject, rates, moment, moment - longest) for subject in subjects)
    if wait > 0:
        raise TooMany(math.ceil(min(wait, longest.total_seconds())))


def _seconds_to_wait(
    subject: _Subject, rates: Sequence[RateLimitItem], moment: datetime, since: datetime
) -> float:
    """Return seconds until the next attempt is permitted; 0 or less: now."""
    until = moment + CLOCKS_DIFFER
    failed = sa.select(SignInAttempt.at).where(
        SignInAttempt.key == subject.key, SignInAttempt.at > since, SignInAttempt.at <= until
    )
    times = db.session.scalars(failed.order_by(SignInAttempt.at.desc()).limit(MAX_READ)).all()
    if subject.longest_wait:
        beyond = len(times) - FREE_TIMES * rates[0].amount
        if beyond < 0:
            return 0
        delay = min(2 ** min(beyond, 16), subject.longest_wait)
        return float(delay - (moment - times[0]).total_seconds())
    waits = [
        rate.get_expiry() - (moment - times[rate.amount - 1]).total_seconds()
        for rate in rates
        if len(times) >= rate.amount
    ]
    return max(waits, default=0)


def _uncount(attempt: Sequence[SignInAttempt]) -> None:
    become_writer()  # single sign-on ends with a GET, which only reads otherwise
    db.session.execute(sa.delete(SignInAttempt).where(SignInAttempt.id.in_([row.id for row in attempt])))


def _uncount_in_transaction(attempt: Sequence[SignInAttempt]) -> None:
    with transaction():
        _uncount(attempt)
