"""Situations by hand and at random, for the tests of the decision."""

from __future__ import annotations

import random
import uuid
from typing import Any

from leadintake.assignment.types import Candidate, FirstChoice, Situation

FLAGS = ("active", "joined", "takes_leads", "in_hours", "fits_area", "fits_language")


def candidate(number: int, **facts: Any) -> Candidate:
    """A candidate that is easy to tell from another."""
    return Candidate(user_id=uuid.UUID(int=number), **{"name": f"Person {number}", **facts})


def situation(*people: Candidate, strategy: str = "least_open", **facts: Any) -> Situation:
    """A situation with these people."""
    return Situation(strategy=strategy, policy="0" * 16, candidates=people, **facts)


def somebody(chance: random.Random, number: int) -> Candidate:
    """A candidate with anything true of them, most of it not in their way."""
    mostly = {flag: chance.random() < 0.9 for flag in FLAGS}
    rarely = {flag: chance.random() < 0.05 for flag in ("screened", "declined")}
    return candidate(
        number,
        **mostly,
        **rarely,
        name="".join(chance.choices("abcÅßñ山\u202e\"\\ '", k=chance.randrange(1, 30))),
        away_until="2026-12-24" if chance.random() < 0.1 else "",
        open_leads=chance.randrange(12),
        capacity=chance.choice([None, None, 1, 10]),
        today=chance.randrange(4),
        per_day=chance.choice([None, None, 3]),
        weight=chance.choice([1, 1, 1, 2, 3, 7, 100]),
        last_turn=chance.randrange(50),
        credit=chance.randrange(-(10**12), 10**12),
    )


def anything(chance: random.Random) -> Situation:
    """Any situation there may be."""
    numbers = chance.sample(range(1, 1000), chance.randrange(13))
    firsts = [
        FirstChoice(uuid.UUID(int=chance.choice(numbers or [1])), strategy, "Somebody")
        for strategy in chance.choices(("returning", "substitute"), k=chance.randrange(3))
    ]
    return situation(
        *(somebody(chance, number) for number in numbers),
        strategy=chance.choice(["round_robin", "least_open", "random"]),
        rotation=chance.choice(["", "family"]),
        practice_area=chance.choice(["", "family"]),
        language=chance.choice(["", "es"]),
        match_practice_area=chance.choice(["hard", "preferred", "off"]),
        match_language=chance.choice(["hard", "preferred", "off"]),
        seed=chance.getrandbits(53),
        first_choices=tuple(firsts),
    )
