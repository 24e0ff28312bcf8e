"""Strategy: take turns in proportion to weight.

1. Each candidate's credit grows by their share of the lead; the chosen one pays a whole lead (Fagin and
   Williams, A fair carpool scheduling algorithm, IBM J. Res. Dev. 27, 1983). Other users' credit stays.
2. Of the candidates not ahead of their share, the one whose next lead is due first is chosen (Balinski and
   Young's quota method, 1975). So constant candidates have, at any moment, their share rounded up or down.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from leadintake.assignment.types import Candidate, Choice

TURN = 720_720_000_000
"""Credit of one lead: a multiple of all sums of weights up to 16, with small rounding errors for others."""
NOTHING = TURN // 1_000_000
"""Less than any share, more than accumulated rounding errors."""


def choose(candidates: Sequence[Candidate], _seed: int) -> Choice:
    """Choose the earliest next lead. Ties: longest since the last lead, lowest user id."""
    weights = sum(candidate.weight for candidate in candidates)
    share = {candidate.user_id: candidate.weight * TURN // weights for candidate in candidates}
    behind = [
        candidate for candidate in candidates if candidate.credit + share[candidate.user_id] > NOTHING
    ] or candidates
    due = {candidate.user_id: Fraction(TURN - candidate.credit, candidate.weight) for candidate in behind}
    chosen = min(
        behind, key=lambda candidate: (due[candidate.user_id], candidate.last_turn, candidate.user_id.bytes)
    )
    paid = {candidate.user_id: candidate.credit + share[candidate.user_id] for candidate in candidates}
    paid[chosen.user_id] -= sum(share.values())
    equals = sum(found == due[chosen.user_id] for found in due.values()) - 1
    return Choice(
        chosen,
        f"It was the turn of {chosen.name}, one of {len(candidates)}.",
        {candidate.user_id: f"{candidate.credit / TURN:+.2f} leads behind" for candidate in candidates},
        "waited longest since the last lead" if equals else "",
        paid,
    )
