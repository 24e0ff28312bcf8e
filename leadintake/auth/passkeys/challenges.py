"""Signed passkey challenges, accepted once. Only used ones are stored."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import UTC, datetime, timedelta

import msgspec
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from leadintake.auth.models import SpentChallenge
from leadintake.auth.passkeys.schemas import to_bytes
from leadintake.core.clock import now
from leadintake.core.crypto import keys
from leadintake.core.db.database import db

GOOD_FOR = timedelta(minutes=5)
KEPT_LONGER = timedelta(hours=1)
"""Storage of used ones beyond their expiry: clocks of machines differ."""
RANDOM_BYTES, TIME_BYTES, SEAL_BYTES = 16, 8, 32


class BadChallenge(ValueError):
    """The challenge is forged, expired, used, or for another purpose."""


class _ClientData(msgspec.Struct):
    """Required fields of the client data (WebAuthn level 3, 5.8.1)."""

    challenge: str
    cross_origin: bool = msgspec.field(name="crossOrigin", default=False)


def create(purpose: str) -> bytes:
    """Return a challenge: random bytes, expiry, and a keyed hash of both and `purpose`."""
    end = int((now() + GOOD_FOR).timestamp())
    body = secrets.token_bytes(RANDOM_BYTES) + end.to_bytes(TIME_BYTES, "big")
    return body + _seal(keys("challenge")[0], purpose, body)


def verify(client_data: str, purpose: str) -> bytes:
    """Return the valid challenge in base64url `client_data`. Raises BadChallenge."""
    try:
        client = msgspec.json.decode(to_bytes(client_data), type=_ClientData)
        challenge = to_bytes(client.challenge)
    except ValueError as error:  # includes errors of msgspec and base64
        raise BadChallenge("This is not what a browser says of a ceremony.") from error
    body, seal = challenge[:-SEAL_BYTES], challenge[-SEAL_BYTES:]
    seals = (_seal(key, purpose, body) for key in keys("challenge"))
    if len(body) != RANDOM_BYTES + TIME_BYTES or not any(
        hmac.compare_digest(seal, expected) for expected in seals
    ):
        raise BadChallenge("This challenge was not given for this.")
    if _end(challenge) <= now():
        raise BadChallenge("This challenge is too old.")
    if client.cross_origin:
        raise BadChallenge("A page of another site asked for this.")
    return challenge


def consume(challenge: bytes) -> None:
    """Mark the challenge as used, in this transaction. Raises BadChallenge on replay."""
    db.session.execute(sa.delete(SpentChallenge).where(SpentChallenge.expires_at < now() - KEPT_LONGER))
    hashed = hashlib.sha256(challenge).hexdigest()
    insert_query = sa.insert(SpentChallenge).values(challenge_hash=hashed, expires_at=_end(challenge))
    try:
        db.session.execute(insert_query)
    except IntegrityError as error:
        raise BadChallenge("This challenge was answered before.") from error


def consume_locked(challenge: bytes, until: datetime) -> bool:
    """Mark a challenge of any kind as used; return False on replay. The caller holds a lock."""
    hashed = hashlib.sha256(challenge).hexdigest()
    challenge_query = sa.select(SpentChallenge.id).where(SpentChallenge.challenge_hash == hashed)
    if db.session.scalar(challenge_query) is not None:
        return False
    db.session.execute(sa.delete(SpentChallenge).where(SpentChallenge.expires_at < now() - KEPT_LONGER))
    db.session.add(SpentChallenge(challenge_hash=hashed, expires_at=until))
    return True


def _end(challenge: bytes) -> datetime:
    seconds = int.from_bytes(challenge[RANDOM_BYTES : RANDOM_BYTES + TIME_BYTES], "big")
    return datetime.fromtimestamp(seconds, UTC)


def _seal(key: bytes, purpose: str, body: bytes) -> bytes:
    return hmac.digest(key, purpose.encode() + b"|" + body, "sha256")
