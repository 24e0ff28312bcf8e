"""What came of deliveries, counted for the metrics."""

from __future__ import annotations

from leadintake.core import measures
from leadintake.core.transaction import on_commit

DELIVERIES = measures.Counter("leadintake_deliveries", "Attempts to deliver, by outcome", "kind", "outcome")


def count(kind: str, outcome: str) -> None:
    """Count an attempt once it is on record."""
    on_commit(lambda: DELIVERIES.count(kind, outcome))
