"""JSON schemas of the room."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Annotated

import msgspec

from leadintake.assignment.models import Absence
from leadintake.auth.schemas import UserSummary


class AbsenceView(msgspec.Struct):
    """Days away, first and last included. No last day: until further notice."""

    id: uuid.UUID
    user: UserSummary
    first_day: date
    last_day: date | None
    substitute: UserSummary | None

    @classmethod
    def of(cls, absence: Absence) -> AbsenceView:
        """Convert an absence."""
        return msgspec.convert(absence, cls, from_attributes=True)


class AbsenceList(msgspec.Struct):
    """Absences that are not over, by first day."""

    items: list[AbsenceView]


class AbsenceGiven(msgspec.Struct, forbid_unknown_fields=True):
    """A new absence. Without `user_id`: one's own."""

    first_day: date
    last_day: date | None = None
    user_id: uuid.UUID | None = None
    substitute_id: Annotated[
        uuid.UUID | None, msgspec.Meta(description="Gets their leads first, while eligible.")
    ] = None
