"""The decision itself: a pure function over candidates."""

from __future__ import annotations

import random
import uuid
from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from leadintake.assignment.engine import Candidate, decide

ids = st.uuids(version=4)
candidates = st.builds(
    Candidate,
    user_id=ids,
    name=st.text(max_size=20),
    open_leads=st.integers(0, 5),
    last_turn=st.integers(0, 5),
)
groups = st.lists(candidates, max_size=12, unique_by=lambda one: one.user_id)
some = st.lists(candidates, min_size=1, max_size=12, unique_by=lambda one: one.user_id)


def candidate(number: int, open_leads: int = 0, last_turn: int = 0, name: str = "") -> Candidate:
    """A candidate that is easy to tell from another."""
    return Candidate(uuid.UUID(int=number), name or f"Person {number}", open_leads, last_turn)


@given(groups, st.randoms(use_true_random=False))
def test_the_order_of_the_candidates_does_not_matter(group, chance: random.Random):
    shuffled = list(group)
    chance.shuffle(shuffled)
    assert decide(shuffled) == decide(group) == decide(tuple(group))


@given(some)
def test_it_changes_nothing_it_was_given(group):
    before = [replace(one) for one in group]
    decide(group)
    assert group == before


@given(some)
def test_nobody_chosen_has_more_open_leads_than_another(group):
    chosen = next(one for one in group if one.user_id == decide(group).user_id)
    assert chosen.open_leads == min(one.open_leads for one in group)
    equals = [one for one in group if one.open_leads == chosen.open_leads]
    assert chosen.last_turn == min(one.last_turn for one in equals)


@given(some)
def test_there_is_always_a_reason_that_fits_its_column(group):
    decision = decide(group)
    assert decision.strategy == "least_open"
    assert decision.reason.endswith(".")
    assert len(decision.reason) <= 500


@given(some, candidates)
def test_somebody_busier_who_joins_changes_nothing_about_who_it_is(group, newcomer):
    busier = replace(newcomer, user_id=uuid.uuid4(), open_leads=max(one.open_leads for one in group) + 1)
    assert decide([*group, busier]).user_id == decide(group).user_id


@given(st.integers(1, 6), st.integers(1, 60))
def test_leads_that_stay_open_are_spread_to_within_one(people, arrivals):
    load, turns = Counter(dict.fromkeys(range(people), 0)), Counter()
    for turn in range(1, arrivals + 1):
        chosen = decide([candidate(who, load[who], turns[who]) for who in range(people)]).user_id.int
        load[chosen] += 1
        turns[chosen] = turn
    assert max(load.values()) - min(load.values()) <= 1
    assert sum(load.values()) == arrivals


def test_nobody_is_chosen_where_there_is_nobody():
    decision = decide([])
    assert decision.user_id is None
    assert decision.reason == "Nobody is active and takes new leads."


def test_who_never_had_a_turn_comes_before_who_had_one_long_ago():
    assert decide([candidate(1, last_turn=1), candidate(2, last_turn=0)]).user_id.int == 2


def test_among_those_who_never_had_a_turn_the_longest_known_is_first():
    assert decide([candidate(3), candidate(1), candidate(2)]).user_id.int == 1


def test_the_reason_says_what_decided():
    def reason(*group: Candidate) -> str:
        return decide(group).reason

    assert (
        reason(candidate(1, 1, name="Ann")) == "Ann had 1 open lead and is the only one who takes new leads."
    )
    assert reason(candidate(1, 0, name="Ann"), candidate(2, 3)) == "Ann had 0 open leads, the fewest of 2."
    tied = reason(candidate(1, 2, 4, name="Ann"), candidate(2, 2, 5), candidate(3, 9))
    assert tied == "Ann had 2 open leads, like 1 other of 3, and waited longest for a turn."
    never = reason(candidate(1, name="Ann"), candidate(2), candidate(3))
    assert never == "Ann had 0 open leads, like 2 others of 3, and never had a turn."
