"""Who gets the next lead: a pure function over candidates."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

STRATEGY = "least_open"
NOBODY = "Nobody is active and takes new leads."


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


def decide(candidates: Sequence[Candidate], *, screened: int = 0) -> Decision:
    """Choose the one with fewest open leads; among equals who waited longest; then the longest known.

    The same candidates always give the same decision, in whatever order they come. The reason says how
    many were left out because they are screened from it.
    """
    if not candidates:
        nobody = "Whoever takes new leads is screened from it." if screened else NOBODY
        return Decision(None, STRATEGY, nobody)
    chosen = min(candidates, key=lambda one: (one.open_leads, one.last_turn, one.user_id.bytes))
    left_out = f" Left out, because screened from it: {screened}." if screened else ""
    return Decision(chosen.user_id, STRATEGY, _reason(chosen, candidates) + left_out)


def _reason(chosen: Candidate, candidates: Sequence[Candidate]) -> str:
    load = f"{chosen.name} had {_counted(chosen.open_leads, 'open lead')}"
    equals = sum(one.open_leads == chosen.open_leads for one in candidates) - 1
    if len(candidates) == 1:
        return f"{load} and is the only one who takes new leads."
    if not equals:
        return f"{load}, the fewest of {len(candidates)}."
    tie = "waited longest for a turn" if chosen.last_turn else "never had a turn"
    return f"{load}, like {_counted(equals, 'other')} of {len(candidates)}, and {tie}."


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
