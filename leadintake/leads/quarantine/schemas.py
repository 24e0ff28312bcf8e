"""JSON schemas of the quarantine."""

from __future__ import annotations

import msgspec

from leadintake.leads.models import Lead
from leadintake.leads.schemas import LeadSummary, QuarantineView


class QuarantinedLead(LeadSummary, kw_only=True):
    """A submission that looked like spam, and why."""

    quarantine: QuarantineView

    @classmethod
    def of(cls, lead: Lead) -> QuarantinedLead:
        """Convert a lead in quarantine."""
        view = QuarantineView.of(lead)
        assert view is not None  # noqa: S101 - the list has no other
        return cls(**msgspec.structs.asdict(LeadSummary.of(lead)), quarantine=view)


class QuarantinePage(msgspec.Struct):
    """Some of them, newest first, and the cursor of those that follow."""

    items: list[QuarantinedLead]
    next_cursor: str | None
