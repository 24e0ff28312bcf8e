"""Each strategy: what it promises of every sequence of leads."""

from __future__ import annotations

import random
from collections import Counter
from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadintake.assignment.strategies import STRATEGIES, least_open, round_robin, weighted_random
from leadintake.assignment.types import Candidate
from tests.assignment.situations import candidate

weights = st.lists(st.integers(1, 100), min_size=1, max_size=8)


class Firm:
    """People who get leads by a strategy, one after the other."""

    def __init__(self, strategy: str, weights: list[int]) -> None:
        self.strategy = STRATEGIES[strategy]
        self.people = {number: candidate(number, weight=weight) for number, weight in enumerate(weights, 1)}
        self.had: Counter[int] = Counter(dict.fromkeys(self.people, 0))
        self.turn = 0

    def lead(self, *among: int, stays_open: bool = True, seed: int = 0) -> int:
        """A lead arrives for these people (or everybody); who gets it."""
        choice = self.strategy([self.people[number] for number in among or self.people], seed)
        for user, credit in choice.credits.items():
            self._change(user.int, credit=credit)
        chosen = choice.chosen.user_id.int
        self.turn += 1
        self._change(
            chosen, last_turn=self.turn, open_leads=self.people[chosen].open_leads + bool(stays_open)
        )
        self.had[chosen] += 1
        return chosen

    def _change(self, number: int, **facts: int) -> None:
        self.people[number] = msgspec.structs.replace(self.people[number], **facts)

    def gap(self) -> int:
        """Between who had most and who had fewest."""
        return max(self.had.values()) - min(self.had.values())


@given(st.integers(1, 20), st.integers(1, 100))
def test_in_a_rotation_nobody_of_equal_weight_is_ever_more_than_one_ahead(people, leads):
    firm = Firm("round_robin", [1] * people)
    for _ in range(leads):
        firm.lead()
        assert firm.gap() <= 1


@given(weights, st.integers(1, 300))
def test_in_a_rotation_everybody_has_at_every_moment_their_share_rounded(shares, leads):
    firm = Firm("round_robin", shares)
    for lead in range(1, leads + 1):
        firm.lead()
        for number, weight in enumerate(shares, 1):
            quota = Fraction(lead * weight, sum(shares))
            assert abs(firm.had[number] - quota) < 1, (lead, number)


def test_two_to_one_to_one_takes_turns_and_does_not_come_in_bursts():
    firm = Firm("round_robin", [2, 1, 1])
    turns = [firm.lead() for _ in range(400)]
    assert turns == turns[:4] * 100
    assert Counter(turns) == {1: 200, 2: 100, 3: 100}
    assert all(turns[at : at + 3] != [1, 1, 1] for at in range(398))


def test_who_is_skipped_keeps_their_place_and_does_not_catch_up_what_they_missed():
    firm = Firm("round_robin", [1, 1, 1])
    assert [firm.lead() for _ in range(3)] == [1, 2, 3]
    assert [firm.lead(2, 3) for _ in range(10)] == [2, 3] * 5, "1 is away, and it was their turn"
    assert firm.lead() == 1
    assert Counter(firm.lead() for _ in range(6)) == {1: 2, 2: 2, 3: 2}


@given(st.lists(st.sets(st.integers(1, 5), min_size=1), max_size=120))
def test_however_people_come_and_go_nobody_is_far_from_their_share_of_what_they_could_have_had(groups):
    """Fagin and Williams' fairness: the share of each lead is counted among those who could take it."""
    firm, share = Firm("round_robin", [1] * 5), Counter()
    for group in groups:
        share.update(dict.fromkeys(group, Fraction(1, len(group))))
        firm.lead(*group)
    assert all(abs(firm.had[number] - share[number]) < 5 for number in firm.people)
    kept = sum(one.credit for one in firm.people.values())
    assert kept == 0, "what one pays, others are owed"


@given(st.integers(1, 6), st.integers(1, 60))
def test_open_leads_are_spread_to_within_one(people, leads):
    firm = Firm("least_open", [1] * people)
    for _ in range(leads):
        firm.lead()
        assert firm.gap() <= 1


@given(weights, st.integers(1, 200))
def test_open_leads_follow_the_weights(shares, leads):
    firm = Firm("least_open", shares)
    for _ in range(leads):
        firm.lead()
    loads = [Fraction(firm.had[number], weight) for number, weight in enumerate(shares, 1)]
    for number, weight in enumerate(shares, 1):
        assert Fraction(firm.had[number] - 1, weight) <= min(loads), "their last lead was the lightest load's"


@pytest.mark.parametrize("strategy", ["round_robin", "least_open"])
def test_a_lead_a_day_closed_at_once_goes_round_evenly(strategy):
    firm = Firm(strategy, [1, 1, 1])
    for _ in range(30):
        firm.lead(stays_open=False)
    assert firm.had == {1: 10, 2: 10, 3: 10}


def test_the_lightest_load_is_the_one_for_the_weight():
    busy, idle = candidate(1, open_leads=3, weight=4), candidate(2, open_leads=1)
    assert least_open.choose([busy, idle], 0).chosen == busy


@pytest.mark.parametrize("choose", [least_open.choose, round_robin.choose])
def test_among_equals_who_never_had_one_comes_first_then_who_waited_longest_then_the_longest_known(choose):
    def chosen(*people: Candidate) -> int:
        return choose(people, 0).chosen.user_id.int

    assert chosen(candidate(1, last_turn=1), candidate(2)) == 2
    assert chosen(candidate(1, last_turn=3), candidate(2, last_turn=2), candidate(3, last_turn=4)) == 2
    assert chosen(candidate(3), candidate(1), candidate(2)) == 1


def test_a_lot_is_the_same_for_the_same_seed_and_fair_over_many():
    people = [candidate(1, weight=2), candidate(2), candidate(3)]
    chance = random.Random(7)
    drawn = Counter(
        weighted_random.choose(people, chance.getrandbits(53)).chosen.user_id.int for _ in range(4000)
    )
    assert set(drawn) == {1, 2, 3}
    # Four standard deviations of a share of one in two and one in four.
    assert abs(drawn[1] - 2000) < 130
    assert abs(drawn[2] - 1000) < 110
    assert len({weighted_random.choose(people, 12345).chosen for _ in range(5)}) == 1
    assert weighted_random.choose(people, 12345) == weighted_random.choose(people[::-1], 12345)


def test_each_says_why_in_a_sentence():
    busy, idle = candidate(1, open_leads=2, weight=2), candidate(2, open_leads=5)
    assert least_open.choose([busy, idle], 0).why == (
        "Person 1 had 2 open leads for a weight of 2, the lightest load of 2."
    )
    tied = [
        candidate(1, open_leads=1, last_turn=4),
        candidate(2, open_leads=1, last_turn=5),
        candidate(3, open_leads=8),
    ]
    assert least_open.choose(tied, 0).why == (
        "Person 1 had 1 open lead, as light a load as 1 other of 3, and waited longest since the last lead."
    )
    new = [candidate(1), candidate(2)]
    assert least_open.choose(new, 0).why.endswith("as light a load as 1 other of 2, and never had one.")
    assert round_robin.choose(new, 0).why == "It was the turn of Person 1, one of 2."
    assert weighted_random.choose([busy], 1).why == "The lot fell on Person 1, one of 1."
    assert weighted_random.choose([busy, idle], 1).scores[idle.user_id] == "1 of 3 tickets"
