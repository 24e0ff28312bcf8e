"""Strategy: random in proportion to weight. Fair in the long run only."""

from __future__ import annotations

import random
from collections.abc import Sequence

from leadintake.assignment.types import Candidate, Choice


def choose(candidates: Sequence[Candidate], seed: int) -> Choice:
    """Choose by the seed: equal candidates and seed give an equal choice."""
    people = sorted(candidates, key=lambda candidate: candidate.user_id.bytes)
    tickets = [candidate for candidate in people for _ in range(candidate.weight)]
    # random() of a seed is the same in all Python versions (random, Notes on Reproducibility).
    drawn = int(random.Random(seed).random() * len(tickets))  # noqa: S311 - not secret; the seed is stored to repeat it
    why = f"The lot fell on {tickets[drawn].name}, one of {len(people)}."
    scores = {candidate.user_id: f"{candidate.weight} of {len(tickets)} tickets" for candidate in people}
    return Choice(tickets[drawn], why, scores)
