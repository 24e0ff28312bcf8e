"""JSON schemas of next steps."""

from __future__ import annotations

import msgspec

from leadintake.leads.schemas import Aware, Words


class FollowUpChange(msgspec.Struct, forbid_unknown_fields=True):
    """When the next step is due, at most two years ahead, and what it is; null takes it back."""

    at: Aware | None
    note: Words | None = None
