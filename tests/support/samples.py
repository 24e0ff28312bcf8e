"""Whether two samples could have been drawn from one hat."""

from __future__ import annotations

import math
from collections.abc import Sequence


def chance_of_no_difference(one: Sequence[float], other: Sequence[float]) -> float:
    """The two-sided p of the Mann-Whitney U test, by its normal approximation (samples of 20 or more).

    It asks about ranks alone: a machine that stalls now and then moves it little.
    """
    ranked = sorted([(value, 0) for value in one] + [(value, 1) for value in other])
    ranks = sum(rank for rank, (_, whose) in enumerate(ranked, 1) if whose == 0)
    size, others = len(one), len(other)
    u = ranks - size * (size + 1) / 2
    mean, deviation = size * others / 2, math.sqrt(size * others * (size + others + 1) / 12)
    return math.erfc(abs(u - mean) / deviation / math.sqrt(2))
