"""JSON schemas of the report."""

from __future__ import annotations

from datetime import datetime

import msgspec

from leadintake.auth.schemas import UserSummary
from leadintake.leads.reports.service import Report
from leadintake.leads.schemas import Aware


class Period(msgspec.Struct, forbid_unknown_fields=True):
    """Leads that arrived in a period: to now, and for thirty days, unless told otherwise."""

    created_from: Aware | None = None
    created_to: Aware | None = None


class ReportLine(msgspec.Struct):
    """An attorney and the leads of the period; what counts as what is in reports.py."""

    user: UserSummary
    received: int
    open: int
    reached: int
    median_seconds_to_reach: float | None
    declined: int
    outcomes: dict[str, int]
    """How the leads that they have now ended, by outcome."""


class ReportView(msgspec.Struct):
    """How the leads of a period were shared; `waiting` is how many of them nobody could take yet."""

    created_from: datetime
    created_to: datetime
    items: list[ReportLine]
    waiting: int
    outcomes: dict[str, int]
    """The same of all leads of the period."""

    @classmethod
    def of(cls, report: Report) -> ReportView:
        """Convert a report."""
        items = [msgspec.convert(line, ReportLine, from_attributes=True) for line in report.lines]
        outcomes = {name.value: number for name, number in report.outcomes.items()}
        return cls(report.created_from, report.created_to, items, report.waiting, outcomes)
