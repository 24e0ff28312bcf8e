"""Strategy: fewest open leads relative to weight."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from leadintake.assignment.types import Candidate, Choice, count_noun


def choose(candidates: Sequence[Candidate], _seed: int) -> Choice:
    """Choose the lowest load. Ties: longest since the last lead, lowest user id."""
    load = {candidate.user_id: Fraction(candidate.open_leads, candidate.weight) for candidate in candidates}
    chosen = min(
        candidates,
        key=lambda candidate: (load[candidate.user_id], candidate.last_turn, candidate.user_id.bytes),
    )
    equals = sum(found == load[chosen.user_id] for found in load.values()) - 1
    tie = ""
    if equals:
        tie = "waited longest since the last lead" if chosen.last_turn else "never had one"
    weight = "" if chosen.weight == 1 else f" for a weight of {chosen.weight}"
    why = f"{chosen.name} had {count_noun(chosen.open_leads, 'open lead')}{weight}"
    if equals:
        why += f", as light a load as {count_noun(equals, 'other')} of {len(candidates)}, and {tie}."
    else:
        why += f", the lightest load of {len(candidates)}."
    return Choice(chosen, why, {user: f"load {float(found):g}" for user, found in load.items()}, tie)
