"""The decision itself: a pure function of a situation."""

from __future__ import annotations

import copy
import random
import uuid

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadintake.assignment import types
from leadintake.assignment.engine import decide
from leadintake.assignment.strategies import STRATEGIES
from leadintake.assignment.types import FirstChoice, Record
from tests.assignment.situations import anything, candidate, situation

situations = st.integers(0, 2**32).map(lambda seed: anything(random.Random(seed)))
EXCLUDED = {
    "is deactivated": {"active": False},
    "has not come in yet": {"joined": False},
    "is screened from it": {"screened": True},
    "declined it": {"declined": True},
    "takes no new leads": {"takes_leads": False},
    "is away until 2026-12-24": {"away_until": "2026-12-24"},
    "does not work on family": {"fits_area": False},
    "does not work in es": {"fits_language": False},
    "is outside working hours": {"in_hours": False},
    "has 3 open leads, and takes 3": {"open_leads": 3, "capacity": 3},
    "had 1 lead today, and takes 1": {"today": 1, "per_day": 1},
}


@given(situations, st.randoms(use_true_random=False))
def test_the_order_of_the_candidates_does_not_matter(given_one, chance: random.Random):
    shuffled = list(given_one.candidates)
    chance.shuffle(shuffled)
    other = msgspec.structs.replace(given_one, candidates=tuple(shuffled))
    assert decide(other) == decide(given_one)


@given(situations)
def test_it_changes_nothing_it_was_given(given_one):
    before = copy.deepcopy(given_one)
    decide(given_one)
    assert given_one == before


@given(situations)
def test_whoever_is_not_left_out_may_be_chosen_and_nobody_else(given_one):
    decision = decide(given_one)
    eligible = {one.user_id for one in given_one.candidates} - set(decision.excluded)
    assert (decision.user_id in eligible) if eligible else decision.user_id is None
    assert decision.reason.endswith(".")


def test_ten_thousand_decisions_replay_to_the_same_attorney_from_their_record_alone():
    chance, decided = random.Random(20261125), 0
    for _ in range(10_000):
        given_one = anything(chance)
        kept = types.write(Record(given_one, decide(given_one)))
        again = types.read(kept)
        assert decide(again.situation) == again.decision
        decided += again.decision.user_id is not None
    assert decided > 7_000


@pytest.mark.parametrize(("words", "standing"), EXCLUDED.items(), ids=lambda part: str(part)[:30])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_who_cannot_take_it_is_left_out_with_the_reason(words, standing, strategy):
    out, other = candidate(1, **standing), candidate(2, open_leads=9, last_turn=9)
    wanted = {"practice_area": "family", "language": "es"}
    hard = {"match_practice_area": "hard", "match_language": "hard"}
    decision = decide(situation(out, other, strategy=strategy, **wanted, **hard))
    assert decision.user_id == other.user_id
    assert decision.excluded == {out.user_id: words}
    assert " Left out: 1 " in decision.reason
    nobody = decide(situation(out, strategy=strategy, **wanted, **hard))
    assert nobody.user_id is None
    assert nobody.reason.startswith("Nobody can take it now: 1 ")


def test_somebody_one_lead_below_a_bound_takes_it():
    below = candidate(1, open_leads=2, capacity=3, today=0, per_day=1)
    assert decide(situation(below)).user_id == below.user_id


def test_those_left_out_are_counted_by_reason():
    away = [candidate(number, away_until="2026-12-24") for number in (1, 2)]
    decision = decide(situation(*away, candidate(3, screened=True), candidate(4)))
    assert decision.reason.endswith("Left out: 2 away, 1 screened from it.")


@pytest.mark.parametrize("fit", ["practice_area", "language"])
def test_those_who_fit_are_preferred_hard_or_let_alone_as_the_policy_says(fit):
    fits = candidate(1, open_leads=9)
    other = candidate(2, **{f"fits_{fit.removeprefix('practice_')}": False})
    lead = {fit: "x"}
    assert decide(situation(fits, other, **lead, **{f"match_{fit}": "preferred"})).user_id == fits.user_id
    assert decide(situation(fits, other, **lead, **{f"match_{fit}": "hard"})).user_id == fits.user_id
    assert decide(situation(fits, other, **lead, **{f"match_{fit}": "off"})).user_id == other.user_id
    assert decide(situation(other, **lead, **{f"match_{fit}": "preferred"})).user_id == other.user_id
    assert decide(situation(other, **lead, **{f"match_{fit}": "hard"})).user_id is None


def test_of_two_preferences_the_practice_area_counts_more():
    area = candidate(1, fits_language=False, open_leads=5)
    language = candidate(2, fits_area=False)
    both = {"match_practice_area": "preferred", "match_language": "preferred"}
    assert decide(situation(area, language, **both)).user_id == area.user_id


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_who_has_the_prospect_already_comes_first_if_eligible(strategy):
    owner, idle = candidate(1, open_leads=9, last_turn=9), candidate(2)
    first = (FirstChoice(owner.user_id, "returning"),)
    decision = decide(situation(owner, idle, strategy=strategy, first_choices=first))
    assert (decision.user_id, decision.strategy) == (owner.user_id, "returning")
    assert decision.reason == "Person 1 has an earlier lead of this prospect."
    assert decision.credits == {}, "a place in the rotation is not lost for it"
    away = candidate(1, away_until="2026-12-24")
    decision = decide(situation(away, idle, strategy=strategy, first_choices=first))
    assert (decision.user_id, decision.strategy) == (idle.user_id, strategy)


def test_for_somebody_away_their_substitute_comes_first_if_eligible():
    away, stands_in, idle = candidate(1, away_until="2026-12-24"), candidate(2, open_leads=9), candidate(3)
    firsts = (
        FirstChoice(away.user_id, "returning"),
        FirstChoice(stands_in.user_id, "substitute", "Person 1"),
    )
    decision = decide(situation(away, stands_in, idle, first_choices=firsts))
    assert (decision.user_id, decision.strategy) == (stands_in.user_id, "substitute")
    assert decision.reason.startswith("Person 2 stands in for Person 1.")
    declined = candidate(2, declined=True)
    assert decide(situation(away, declined, idle, first_choices=firsts)).user_id == idle.user_id


def test_a_first_choice_who_works_here_no_more_is_passed_over():
    first = (FirstChoice(uuid.UUID(int=77), "returning"),)
    assert decide(situation(candidate(1), first_choices=first)).user_id == uuid.UUID(int=1)


def test_nobody_is_chosen_where_there_is_nobody():
    assert decide(situation()).user_id is None
    assert decide(situation()).reason == "Nobody's role works on leads."
