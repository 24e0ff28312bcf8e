"""The strategies by their names. A new one is a module with `choose`, and a line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from leadintake.assignment.facts import Candidate, Choice
from leadintake.assignment.strategies import by_lot, least_open, round_robin

Strategy = Callable[[Sequence[Candidate], int], Choice]
"""Chooses among one candidate or more, with a seed for those that need chance. Changes nothing."""

STRATEGIES: Mapping[str, Strategy] = {
    "round_robin": round_robin.choose,
    "least_open": least_open.choose,
    "random": by_lot.choose,
}
