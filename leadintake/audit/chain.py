"""The chain of the audit trail: what an entry's hash covers, and what does not fit. Pure functions."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

COVERED = (
    "id", "number", "created_at", "updated_at", "actor_kind", "actor_id", "action", "subject_kind",
    "subject_id", "via", "origin", "detail", "key_id",
)  # fmt: skip
"""Every column but the hash itself."""
DOUBTED = "audit.head_doubted"
"""The act of an entry that follows a head whose seal did not hold; its detail has the seal there was."""


class Broken(Exception):
    """The trail is not what was written; the message names the first entry that shows it."""


@dataclass(frozen=True)
class Head:
    """The end of the chain."""

    number: int
    hash: str

    def __str__(self) -> str:
        return f"{self.number}:{self.hash}"


def key_id(key: bytes) -> str:
    """Tells keys apart and gives none away."""
    return hashlib.sha256(key).hexdigest()[:16]


def hash_of(entry: Any, before: str, key: bytes) -> str:
    """HMAC-SHA-256 of the hash before and of all of the entry (an AuditEntry or its row), in hexadecimal."""
    # Spelt out, for ever the same: what a library makes of a time may change, and the trail may not.
    content = json.dumps([before, *(_plain(getattr(entry, name)) for name in COVERED)])
    return hmac.digest(key, content.encode(), "sha256").hex()


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return value if value is None or isinstance(value, int) else str(value)


def seal_of(head: Head, key: bytes) -> str:
    """What shows that the head was set by whoever has the key."""
    return hmac.digest(key, f"head {head}".encode(), "sha256").hex()


def is_sealed(head: Head, seal: str, keys: Sequence[bytes]) -> bool:
    """Whether one of the keys set this head. The start of a chain has no seal."""
    return head == Head(0, "") or any(seal_of(head, key) == seal for key in keys)


def follow(entries: Iterable[Any], keys: Sequence[bytes], since: Head) -> Head:
    """Walk from `since` over the entries that follow it, in the order of their numbers; return the last.

    Raises Broken at the first that is missing, was altered or moved, or has a key that is not among `keys`.
    """
    known = {key_id(key): key for key in keys}
    for entry in entries:
        if entry.number != since.number + 1:
            lower = not isinstance(entry.number, int) or entry.number <= since.number
            what = "has another before it, which is not of this trail" if lower else "is missing"
            raise Broken(f"Entry {since.number + 1} {what}.")
        key = known.get(entry.key_id)
        if key is not None and hash_of(entry, since.hash, key) == entry.hash:
            if entry.action == DOUBTED and not is_sealed(since, json.loads(entry.detail)["seal"], keys):
                raise Broken(f"Before entry {entry.number} the end of the trail was cut off or altered.")
            since = Head(entry.number, entry.hash)
            continue
        if key is None:
            raise Broken(
                f"Entry {entry.number} was written with a key that is not configured, or was altered. "
                "Add the earlier SECRET_KEY to SECRET_KEY_FALLBACKS and verify again."
            )
        raise Broken(f"Entry {entry.number} was altered, or is not where it was written.")
    return since
