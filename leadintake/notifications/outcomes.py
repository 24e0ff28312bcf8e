"""Metric of delivery attempts."""

from __future__ import annotations

from leadintake.core import measures
from leadintake.core.db.transaction import on_commit

DELIVERIES = measures.Counter("leadintake_deliveries", "Attempts to deliver, by outcome", "kind", "outcome")


def count(kind: str, outcome: str) -> None:
    """Count an attempt, after the commit."""
    on_commit(lambda: DELIVERIES.count(kind, outcome))
