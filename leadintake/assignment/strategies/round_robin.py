"""Everybody in turn, as often as their weight says.

Each lead is shared, in thought, among those it could have gone to: everybody's credit grows by their
share of it, and who gets it pays a whole one (Fagin and Williams, A fair carpool scheduling algorithm, IBM
J. Res. Dev. 27, 1983). Whoever was left out, for an hour or a week, neither gains nor loses: their place
waits for them. Of those who are not ahead of their share the one comes whose next lead is due first
(Balinski and Young's quota method, 1975): among the same people everybody has, at every moment, their
share of the leads rounded up or down.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from leadintake.assignment.facts import Candidate, Choice

TURN = 720_720_000_000
"""One lead, in credit: a multiple of every weight's sum up to 16, and large enough for all others."""
NOTHING = TURN // 1_000_000
"""Less than anybody's share of a lead, and more than what rounding shares to whole numbers adds up to."""


def choose(candidates: Sequence[Candidate], _seed: int) -> Choice:
    """The one whose next lead is due first; among equals who waited longest since the last."""
    weights = sum(one.weight for one in candidates)
    share = {one.user_id: one.weight * TURN // weights for one in candidates}
    behind = [one for one in candidates if one.credit + share[one.user_id] > NOTHING] or candidates
    due = {one.user_id: Fraction(TURN - one.credit, one.weight) for one in behind}
    chosen = min(behind, key=lambda one: (due[one.user_id], one.last_turn, one.user_id.bytes))
    paid = {one.user_id: one.credit + share[one.user_id] for one in candidates}
    paid[chosen.user_id] -= sum(share.values())
    equals = sum(found == due[chosen.user_id] for found in due.values()) - 1
    return Choice(
        chosen,
        f"It was the turn of {chosen.name}, one of {len(candidates)}.",
        {one.user_id: f"{one.credit / TURN:+.2f} leads behind" for one in candidates},
        "waited longest since the last lead" if equals else "",
        paid,
    )
