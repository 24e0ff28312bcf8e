"""Prices that must grow no faster than what is paid for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

Content = TypeVar("Content")
FEWEST, MAX_ROWS = 3, 20


def in_proportion(cost: Callable[[Content], float], once: Content, twice: Content, *, least: float) -> bool:
    """Whether twice as much costs 2.5 times as much at most; `least` in seconds.

    Both are measured in turn, and the least of each counts: a machine that others use is slow for a while,
    and is asked until it was not. What is quadratic costs four times as much by then.
    """
    cheap = dear = float("inf")
    for tries in range(1, MAX_ROWS + 1):
        cheap, dear = min(cheap, cost(once)), min(dear, cost(twice))
        if tries >= FEWEST and dear <= 2.5 * max(cheap, least):
            return True
    return False
