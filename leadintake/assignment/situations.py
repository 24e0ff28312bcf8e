"""A situation under some rules: how people stand, and what the policy says of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from leadintake.assignment import hours
from leadintake.assignment.facts import Candidate, FirstChoice, Situation
from leadintake.assignment.policy import Policy


def under(
    rules: Policy,
    people: Iterable[tuple[str, Candidate]],
    *,
    moment: datetime,
    practice_area: str,
    language: str,
    first_choices: Collection[FirstChoice],
    seed: int,
) -> Situation:
    """The situation at a moment. `people`: addresses, and all of a candidate but what the rules decide."""
    area, written = rules.area(practice_area), rules.hash

    def complete(email: str, one: Candidate) -> Candidate:
        terms = rules.terms(email)
        return msgspec.structs.replace(
            one,
            in_hours=hours.within(terms.hours, moment.astimezone(ZoneInfo(terms.timezone))),
            capacity=terms.capacity,
            per_day=terms.per_day,
            fits_area=_fits(practice_area, terms.practice_areas),
            fits_language=_fits(language, terms.languages),
            weight=terms.weight,
        )

    return Situation(
        strategy=area.strategy,
        policy=written,
        rotation=rules.rotation(practice_area),
        practice_area=practice_area,
        language=language,
        match_practice_area=area.match_practice_area or "off",
        match_language=area.match_language or "off",
        seed=seed if area.strategy == "random" else 0,
        first_choices=tuple(first_choices),
        candidates=tuple(complete(email, one) for email, one in people),
    )


def _fits(value: str, taken: Collection[str]) -> bool:
    return not value or not taken or value in taken
