"""Strategies by name. A new one is a module with `choose`, and a line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from leadintake.assignment.strategies import least_open, round_robin, weighted_random
from leadintake.assignment.types import Candidate, Choice

Strategy = Callable[[Sequence[Candidate], int], Choice]
"""Pure function: chooses among candidates (at least one), by a seed."""

STRATEGIES: Mapping[str, Strategy] = {
    "round_robin": round_robin.choose,
    "least_open": least_open.choose,
    "random": weighted_random.choose,
}
