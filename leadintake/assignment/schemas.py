"""The room as JSON."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Annotated

import msgspec

from leadintake.assignment.models import Absence
from leadintake.auth.schemas import UserSummary


class AbsenceView(msgspec.Struct):
    """Days on which somebody is away, the first and the last included. No last: until further notice."""

    id: uuid.UUID
    user: UserSummary
    first_day: date
    last_day: date | None
    substitute: UserSummary | None

    @classmethod
    def of(cls, absence: Absence) -> AbsenceView:
        """One absence."""
        return msgspec.convert(absence, cls, from_attributes=True)


class AbsenceList(msgspec.Struct):
    """Absences that are not over, by their first day."""

    items: list[AbsenceView]


class AbsenceGiven(msgspec.Struct, forbid_unknown_fields=True):
    """Who is away (without it: oneself), from the first day to the last, and who stands in."""

    first_day: date
    last_day: date | None = None
    user_id: uuid.UUID | None = None
    substitute_id: Annotated[
        uuid.UUID | None, msgspec.Meta(description="Gets their leads first, while eligible.")
    ] = None
