"""The audit trail's hash chain, as pure functions."""

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
"""All columns but `hash`."""
UNSEALED_HEAD = "audit.head_doubted"
"""Action of the entry after a head with an invalid seal; its detail holds that seal."""


class Broken(Exception):
    """The trail was altered; the message names the first bad entry."""


@dataclass(frozen=True)
class Head:
    """The end of the chain."""

    number: int
    hash: str

    def __str__(self) -> str:
        return f"{self.number}:{self.hash}"


def key_id(key: bytes) -> str:
    """Return an identifier that does not reveal the key."""
    return hashlib.sha256(key).hexdigest()[:16]


def hash_of(entry: Any, before: str, key: bytes) -> str:
    """Return the hex HMAC-SHA-256 of the previous hash and the entry (an AuditEntry or its row)."""
    return hmac.digest(key, content_of(entry, before).encode(), "sha256").hex()


def content_of(entry: Any, before: str) -> str:
    """Return the text that is hashed: a JSON array of the previous hash and the columns COVERED."""
    # Not encoded by a library: its format of times may change, old hashes may not.
    return json.dumps([before, *(_plain(getattr(entry, name)) for name in COVERED)])


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return value if value is None or isinstance(value, int) else str(value)


def seal_of(head: Head, key: bytes) -> str:
    """Return the head's seal: proof that a holder of the key wrote it."""
    return hmac.digest(key, f"head {head}".encode(), "sha256").hex()


def is_sealed(head: Head, seal: str, keys: Sequence[bytes]) -> bool:
    """Return whether one of the keys sealed this head. An empty chain needs no seal."""
    return head == Head(0, "") or any(seal_of(head, key) == seal for key in keys)


def follow(entries: Iterable[Any], keys: Sequence[bytes], since: Head) -> Head:
    """Verify the entries after `since`, ordered by number; return the last head.

    Raises Broken at the first that is missing, altered, moved, or of an unknown key.
    """
    keys_by_id = {key_id(key): key for key in keys}
    for entry in entries:
        if entry.number != since.number + 1:
            lower = not isinstance(entry.number, int) or entry.number <= since.number
            what = "has another before it, which is not of this trail" if lower else "is missing"
            raise Broken(f"Entry {since.number + 1} {what}.")
        key = keys_by_id.get(entry.key_id)
        if key is not None and hash_of(entry, since.hash, key) == entry.hash:
            if entry.action == UNSEALED_HEAD and not is_sealed(since, json.loads(entry.detail)["seal"], keys):
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
