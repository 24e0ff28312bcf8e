"""JSON schemas of outcomes."""

from __future__ import annotations

import msgspec

from leadintake.leads.schemas import Words
from leadintake.leads.status import Outcome


class OutcomeChange(msgspec.Struct, forbid_unknown_fields=True):
    """How a lead ended, and a note on it, in 500 characters at most; null takes the outcome back."""

    outcome: Outcome | None
    note: Words | None = None
