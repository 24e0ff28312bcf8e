"""Who gets the lead: a pure function of a situation. First who can take it, then who of them does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from leadintake.assignment.facts import Candidate, Decision, FirstChoice, Situation, counted
from leadintake.assignment.strategies import STRATEGIES

NOBODY = "Nobody's role works on leads."


def decide(situation: Situation) -> Decision:
    """Decide. The order of the candidates does not matter; nothing that was given is changed."""
    judged = [(one, _reason_against(one, situation)) for one in situation.candidates]
    excluded = {one.user_id: against[0] for one, against in judged if against}
    eligible = {one.user_id: one for one, against in judged if not against}
    tally = Counter(against[1] for _, against in judged if against)
    left_out = ", ".join(f"{number} {what}" for what, number in sorted(tally.items()))
    if not eligible:
        said = f"Nobody can take it now: {left_out}." if left_out else NOBODY
        return Decision(None, situation.strategy, said, excluded)
    also = f" Left out: {left_out}." if left_out else ""
    for first in situation.first_choices:
        if one := eligible.get(first.user_id):
            return Decision(one.user_id, first.strategy, _why_first(one, first) + also, excluded)
    choice = STRATEGIES[situation.strategy](_best_fitting([*eligible.values()], situation), situation.seed)
    return Decision(
        choice.chosen.user_id,
        situation.strategy,
        choice.why + also,
        excluded,
        choice.scores,
        choice.tie_break,
        choice.credits,
    )


def _reason_against(one: Candidate, situation: Situation) -> tuple[str, str] | None:
    """Why this one cannot take the lead: in words that follow their name, and that follow a number."""
    area, language = situation.practice_area, situation.language
    full = one.capacity is not None and one.open_leads >= one.capacity
    enough = one.per_day is not None and one.today >= one.per_day
    rules = (
        (not one.active, "is deactivated", "deactivated"),
        (not one.joined, "has not come in yet", "not here yet"),
        (one.screened, "is screened from it", "screened from it"),
        (one.declined, "declined it", "declined it"),
        (not one.takes_leads, "takes no new leads", "not taking leads"),
        (bool(one.away_until), f"is away until {one.away_until}", "away"),
        (
            situation.match_practice_area == "hard" and not one.fits_area,
            f"does not work on {area}",
            f"not working on {area}",
        ),
        (
            situation.match_language == "hard" and not one.fits_language,
            f"does not work in {language}",
            f"not working in {language}",
        ),
        (not one.in_hours, "is outside working hours", "outside working hours"),
        (full, f"has {counted(one.open_leads, 'open lead')}, and takes {one.capacity}", "with a full desk"),
        (enough, f"had {counted(one.today, 'lead')} today, and takes {one.per_day}", "with enough for today"),
    )
    return next(((words, briefly) for applies, words, briefly in rules if applies), None)


def _why_first(one: Candidate, first: FirstChoice) -> str:
    if first.strategy == "substitute":
        return f"{one.name} stands in for {first.instead_of}."
    return f"{one.name} has an earlier lead of this prospect."


def _best_fitting(eligible: Sequence[Candidate], situation: Situation) -> Sequence[Candidate]:
    """Those with the most of what is preferred: the practice area before the language."""

    def fit(one: Candidate) -> tuple[bool, bool]:
        area, language = situation.match_practice_area, situation.match_language
        return area == "preferred" and one.fits_area, language == "preferred" and one.fits_language

    best = max(fit(one) for one in eligible)
    return [one for one in eligible if fit(one) == best]
