"""A lot, as often for somebody as their weight says: fair in the long run, and in no short one."""

from __future__ import annotations

import random
from collections.abc import Sequence

from leadintake.assignment.facts import Candidate, Choice


def choose(candidates: Sequence[Candidate], seed: int) -> Choice:
    """The one the seed draws: the same candidates and seed always draw the same."""
    # random() of a given seed is the same in every version of Python (library reference, Reproducibility).
    people = sorted(candidates, key=lambda one: one.user_id.bytes)
    tickets = [one for one in people for _ in range(one.weight)]
    # random() of a given seed is the same in every version of Python (library reference, Reproducibility).
    drawn = int(random.Random(seed).random() * len(tickets))  # noqa: S311 - kept with its seed, to be repeated
    why = f"The lot fell on {tickets[drawn].name}, one of {len(people)}."
    scores = {one.user_id: f"{one.weight} of {len(tickets)} tickets" for one in people}
    return Choice(tickets[drawn], why, scores)
