"""Who gets the next lead: a pure function over candidates."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

STRATEGY = "least_open"


@dataclass(frozen=True)
class Candidate:
    """Somebody who may get the lead. `last_turn` counts assignments; 0 means never had one."""

    user_id: uuid.UUID
    name: str
    open_leads: int
    last_turn: int


@dataclass(frozen=True)
class Decision:
    """Who gets it (None: nobody), and why, in a sentence."""

    user_id: uuid.UUID | None
    strategy: str
    reason: str


def decide(candidates: Sequence[Candidate]) -> Decision:
    """Choose the one with fewest open leads; among equals who waited longest; then the longest known.

    The same candidates always give the same decision, in whatever order they come.
    """
    if not candidates:
        return Decision(None, STRATEGY, "Nobody is active and takes new leads.")
    chosen = min(candidates, key=lambda one: (one.open_leads, one.last_turn, one.user_id.bytes))
    equals = [one for one in candidates if one.open_leads == chosen.open_leads]
    load = f"{chosen.name} had {chosen.open_leads} open leads"
    if len(candidates) == 1:
        reason = f"{load} and is the only one who takes new leads."
    elif len(equals) == 1:
        reason = f"{load}, the fewest of {len(candidates)}."
    elif chosen.last_turn == 0:
        reason = f"{load}, like {len(equals) - 1} others of {len(candidates)}, and never had a turn."
    else:
        reason = f"{load}, like {len(equals) - 1} others of {len(candidates)}, and waited longest for a turn."
    return Decision(chosen.user_id, STRATEGY, reason)
