"""Challenges for passkeys: nothing is kept of one before it is answered, and it is answered once."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import UTC, datetime, timedelta

import msgspec
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from leadintake.auth.models import SpentChallenge
from leadintake.auth.proofs import to_bytes
from leadintake.core.clock import now
from leadintake.core.database import db
from leadintake.core.keys import keys

GOOD_FOR = timedelta(minutes=5)
KEPT_LONGER = timedelta(hours=1)
"""Spent ones are remembered beyond their end: another machine's clock may be late."""
RANDOM_BYTES, TIME_BYTES, SEAL_BYTES = 16, 8, 32


class BadChallenge(ValueError):
    """It is not ours, was for something else, is too old, or was answered before."""


class _ClientData(msgspec.Struct):
    """What of a browser's account of the ceremony is needed here (WebAuthn level 3, 5.8.1)."""

    challenge: str
    cross_origin: bool = msgspec.field(name="crossOrigin", default=False)


def new(purpose: str) -> bytes:
    """A challenge for `purpose`: random bytes, its end, and a keyed hash over both and the purpose."""
    end = int((now() + GOOD_FOR).timestamp())
    body = secrets.token_bytes(RANDOM_BYTES) + end.to_bytes(TIME_BYTES, "big")
    return body + _seal(keys("challenge")[0], purpose, body)


def answered_by(client_data: str, purpose: str) -> bytes:
    """The challenge that base64url `client_data` answers. Raises BadChallenge."""
    try:
        told = msgspec.json.decode(to_bytes(client_data), type=_ClientData)
        challenge = to_bytes(told.challenge)
    except ValueError as error:  # also what msgspec and base64 raise
        raise BadChallenge("This is not what a browser says of a ceremony.") from error
    body, seal = challenge[:-SEAL_BYTES], challenge[-SEAL_BYTES:]
    ours = (_seal(key, purpose, body) for key in keys("challenge"))
    if len(body) != RANDOM_BYTES + TIME_BYTES or not any(hmac.compare_digest(seal, one) for one in ours):
        raise BadChallenge("This challenge was not given for this.")
    if _end(challenge) <= now():
        raise BadChallenge("This challenge is too old.")
    if told.cross_origin:
        raise BadChallenge("A page of another site asked for this.")
    return challenge


def spend(challenge: bytes) -> None:
    """Take the challenge as answered, in this transaction. Raises BadChallenge where it was already."""
    db.session.execute(sa.delete(SpentChallenge).where(SpentChallenge.expires_at < now() - KEPT_LONGER))
    hashed = hashlib.sha256(challenge).hexdigest()
    spent = sa.insert(SpentChallenge).values(challenge_hash=hashed, expires_at=_end(challenge))
    try:
        db.session.execute(spent)
    except IntegrityError as error:
        raise BadChallenge("This challenge was answered before.") from error


def spend_alone(challenge: bytes, until: datetime) -> bool:
    """Take a challenge of any kind as answered; whether it was not before. The caller keeps others out."""
    hashed = hashlib.sha256(challenge).hexdigest()
    known = sa.select(SpentChallenge.id).where(SpentChallenge.challenge_hash == hashed)
    if db.session.scalar(known) is not None:
        return False
    db.session.execute(sa.delete(SpentChallenge).where(SpentChallenge.expires_at < now() - KEPT_LONGER))
    db.session.add(SpentChallenge(challenge_hash=hashed, expires_at=until))
    return True


def _end(challenge: bytes) -> datetime:
    seconds = int.from_bytes(challenge[RANDOM_BYTES : RANDOM_BYTES + TIME_BYTES], "big")
    return datetime.fromtimestamp(seconds, UTC)


def _seal(key: bytes, purpose: str, body: bytes) -> bytes:
    return hmac.digest(key, purpose.encode() + b"|" + body, "sha256")
