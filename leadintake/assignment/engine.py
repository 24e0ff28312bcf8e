"""The decision, a pure function of a situation.

1. Exclude candidates with an obstacle.
2. Choose the first eligible of the first choices (earlier assignee, substitute).
3. Otherwise keep the candidates with the best preferred match, and let the strategy choose.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from leadintake.assignment.strategies import STRATEGIES
from leadintake.assignment.types import Candidate, Decision, FirstChoice, Situation, count_noun

NO_CANDIDATES = "Nobody's role works on leads."


def decide(situation: Situation) -> Decision:
    """Decide. The order of candidates does not matter."""
    verdicts = [(candidate, _find_obstacle(candidate, situation)) for candidate in situation.candidates]
    excluded = {candidate.user_id: against[0] for candidate, against in verdicts if against}
    eligible = {candidate.user_id: candidate for candidate, against in verdicts if not against}
    tally = Counter(against[1] for _, against in verdicts if against)
    left_out = ", ".join(f"{number} {what}" for what, number in sorted(tally.items()))
    if not eligible:
        reason = f"Nobody can take it now: {left_out}." if left_out else NO_CANDIDATES
        return Decision(None, situation.strategy, reason, excluded)
    also = f" Left out: {left_out}." if left_out else ""
    for first in situation.first_choices:
        if candidate := eligible.get(first.user_id):
            return Decision(
                candidate.user_id, first.strategy, _explain_first_choice(candidate, first) + also, excluded
            )
    choice = STRATEGIES[situation.strategy](_select_best_fit([*eligible.values()], situation), situation.seed)
    return Decision(
        choice.chosen.user_id,
        situation.strategy,
        choice.why + also,
        excluded,
        choice.scores,
        choice.tie_break,
        choice.credits,
    )


def _find_obstacle(candidate: Candidate, situation: Situation) -> tuple[str, str] | None:
    """Return why the candidate is excluded, in words after a name and in words after a count."""
    area, language = situation.practice_area, situation.language
    full = candidate.capacity is not None and candidate.open_leads >= candidate.capacity
    enough = candidate.per_day is not None and candidate.today >= candidate.per_day
    rules = (
        (not candidate.active, "is deactivated", "deactivated"),
        (not candidate.joined, "has not come in yet", "not here yet"),
        (candidate.screened, "is screened from it", "screened from it"),
        (candidate.declined, "declined it", "declined it"),
        (not candidate.takes_leads, "takes no new leads", "not taking leads"),
        (bool(candidate.away_until), f"is away until {candidate.away_until}", "away"),
        (
            situation.match_practice_area == "hard" and not candidate.fits_area,
            f"does not work on {area}",
            f"not working on {area}",
        ),
        (
            situation.match_language == "hard" and not candidate.fits_language,
            f"does not work in {language}",
            f"not working in {language}",
        ),
        (not candidate.in_hours, "is outside working hours", "outside working hours"),
        (
            full,
            f"has {count_noun(candidate.open_leads, 'open lead')}, and takes {candidate.capacity}",
            "with a full desk",
        ),
        (
            enough,
            f"had {count_noun(candidate.today, 'lead')} today, and takes {candidate.per_day}",
            "with enough for today",
        ),
    )
    return next(((words, briefly) for applies, words, briefly in rules if applies), None)


def _explain_first_choice(candidate: Candidate, first: FirstChoice) -> str:
    if first.strategy == "substitute":
        return f"{candidate.name} stands in for {first.instead_of}."
    return f"{candidate.name} has an earlier lead of this prospect."


def _select_best_fit(eligible: Sequence[Candidate], situation: Situation) -> Sequence[Candidate]:
    """Return the candidates with the best preferred match; practice area counts more than language."""

    def fit(candidate: Candidate) -> tuple[bool, bool]:
        area, language = situation.match_practice_area, situation.match_language
        return (
            area == "preferred" and candidate.fits_area,
            language == "preferred" and candidate.fits_language,
        )

    best = max(fit(candidate) for candidate in eligible)
    return [candidate for candidate in eligible if fit(candidate) == best]
