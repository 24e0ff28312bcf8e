"""The throttle on signing in: counted in the database, so that restarts and other workers know of it.

Three counts of failures, each by a keyed hash of whose they are:

- one account from one address, or from one device it knows: RATE_LIMIT_LOGINS as it is written;
- one address, whatever the account (guessing one password for everybody), and
- one account, from wherever (many addresses guessing for one person), both without known devices:
  from so many failures on each attempt must wait twice as long as the one before, up to a bound.

No stranger can lock anybody out: a known device is counted apart, waiting attempts are not counted, and
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
from leadintake.core import locks
from leadintake.core.clock import now
from leadintake.core.database import db, reading
from leadintake.core.keys import keyed_hash
from leadintake.core.limits import TooMany, client_counted
from leadintake.core.transaction import on_rollback, transaction

LOCK = "sign_in"
FREE_TIMES = 5
"""How many times what one pair may fail a whole address or account may, before it must wait."""
LONGEST_WAIT_OF_ADDRESS, LONGEST_WAIT_OF_ACCOUNT = 300, 60
"""Seconds."""
MOST_READ = 1000
CLOCKS_DIFFER = timedelta(minutes=1)
"""Between machines. What is dated later than that is by a clock that was wrong, and counts no more."""


@dataclass(frozen=True)
class _Count:
    """Whose failures are counted. `longest_wait` in seconds: doubling delays; 0: the limits as written."""

    whose: str
    longest_wait: int = 0

    @property
    def key(self) -> str:
        return keyed_hash("sign-in", self.whose)


@contextmanager
def attempting(account: str, device: str | None, *, counts: type[Exception]) -> Iterator[None]:
    """A block that judges one attempt to sign in, and raises TooMany instead where too many failed.

    The attempt is counted before it is judged, so that many at once gain nothing; one that does not end in
    `counts` is taken back.
    """
    place = client_counted()
    counted = [_Count(_pair(account, device, place))]
    if device is None:  # strangers, also those behind the same address, must not keep a known one waiting
        counted.append(_Count(f"address|{place}", LONGEST_WAIT_OF_ADDRESS))
        counted.append(_Count(f"account|{account}", LONGEST_WAIT_OF_ACCOUNT))
    attempt = _enter(counted)
    try:
        yield
    except counts:
        raise
    except Exception:
        on_rollback(lambda: _take_back_apart(attempt))
        raise
    _take_back(attempt)


def count(act: str, *, device: str | None = None) -> None:
    """Count an act that nobody must do often from one address, or a known device. Raises TooMany."""
    _enter([_Count(f"{act}|{device or client_counted()}")])


def _pair(account: str, device: str | None, place: str) -> str:
    return f"pair|{account}|{device or place}"


def _enter(counted: Sequence[_Count]) -> list[SignInAttempt]:
    """Count an attempt, in a transaction of its own, under a lock: or raise TooMany and count nothing.

    Who must wait is told so before that, without a lock: a flood of such attempts holds nobody up.
    """
    limits = current_app.config["RATE_LIMIT_LOGINS"]
    rates = parse_many(limits) if limits else []
    if not rates:
        return []
    moment = now()
    longest = timedelta(seconds=max(rate.get_expiry() for rate in rates))
    if not db.session().in_transaction():
        with reading():
            _refuse_who_must_wait(counted, rates, moment, longest)
            db.session.rollback()
    with transaction():
        locks.hold(LOCK)
        past = SignInAttempt.at.between(moment - longest, moment + CLOCKS_DIFFER)
        db.session.execute(sa.delete(SignInAttempt).where(~past))
        _refuse_who_must_wait(counted, rates, moment, longest)
        attempt = [SignInAttempt(key=one.key, at=moment) for one in counted]
        db.session.add_all(attempt)
        db.session.flush()
        for row in attempt:
            db.session.expunge(row)
    return attempt


def _refuse_who_must_wait(
    counted: Sequence[_Count], rates: Sequence[RateLimitItem], moment: datetime, longest: timedelta
) -> None:
    wait = max(_wait(one, rates, moment, moment - longest) for one in counted)
    if wait > 0:
        raise TooMany(math.ceil(min(wait, longest.total_seconds())))


def _wait(counted: _Count, rates: Sequence[RateLimitItem], moment: datetime, since: datetime) -> float:
    """Seconds until another attempt may be judged."""
    until = moment + CLOCKS_DIFFER
    failed = sa.select(SignInAttempt.at).where(
        SignInAttempt.key == counted.key, SignInAttempt.at > since, SignInAttempt.at <= until
    )
    times = db.session.scalars(failed.order_by(SignInAttempt.at.desc()).limit(MOST_READ)).all()
    if counted.longest_wait:
        beyond = len(times) - FREE_TIMES * rates[0].amount
        if beyond < 0:
            return 0
        delay = min(2 ** min(beyond, 16), counted.longest_wait)
        return float(delay - (moment - times[0]).total_seconds())
    waits = [
        rate.get_expiry() - (moment - times[rate.amount - 1]).total_seconds()
        for rate in rates
        if len(times) >= rate.amount
    ]
    return max(waits, default=0)


def _take_back(attempt: Sequence[SignInAttempt]) -> None:
    db.session.execute(sa.delete(SignInAttempt).where(SignInAttempt.id.in_([row.id for row in attempt])))


def _take_back_apart(attempt: Sequence[SignInAttempt]) -> None:
    with transaction():
        _take_back(attempt)
