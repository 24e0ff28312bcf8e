"""Build a situation from candidates and a policy."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from leadintake.assignment import hours
from leadintake.assignment.policy import Policy
from leadintake.assignment.types import Candidate, FirstChoice, Situation


def build_situation(
    rules: Policy,
    people: Iterable[tuple[str, Candidate]],
    *,
    moment: datetime,
    practice_area: str,
    language: str,
    first_choices: Collection[FirstChoice],
    seed: int,
) -> Situation:
    """Return the situation. `people`: addresses, and candidates without the fields of their terms."""
    area, policy_hash = rules.area(practice_area), rules.hash

    def complete(email: str, candidate: Candidate) -> Candidate:
        terms = rules.terms(email)
        return msgspec.structs.replace(
            candidate,
            in_hours=hours.is_within(terms.hours, moment.astimezone(ZoneInfo(terms.timezone))),
            capacity=terms.capacity,
            per_day=terms.per_day,
            fits_area=_fits(practice_area, terms.practice_areas),
            fits_language=_fits(language, terms.languages),
            weight=terms.weight,
        )

    return Situation(
        strategy=area.strategy,
        policy=policy_hash,
        rotation=rules.rotation(practice_area),
        practice_area=practice_area,
        language=language,
        match_practice_area=area.match_practice_area or "off",
        match_language=area.match_language or "off",
        seed=seed if area.strategy == "random" else 0,
        first_choices=tuple(first_choices),
        candidates=tuple(complete(email, candidate) for email, candidate in people),
    )


def _fits(value: str, accepted: Collection[str]) -> bool:
    return not value or not accepted or value in accepted
