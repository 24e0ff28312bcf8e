"""The price of an act in seconds of this thread's CPU: no other process and no clock has a say in it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

Thing = TypeVar("Thing")
FLOOR = 0.04
"""Seconds below which a price is low enough, however it grew: there noise would be measured."""
HOPELESS = 3.0
"""Seconds that no noise explains."""
MAX_RATIO = 2.5
REPEATS = 3


@dataclass(frozen=True)
class Price:
    """What n and 2n units cost, in seconds; n nothing where 2n are below the floor."""

    once: float
    twice: float

    def is_fair(self, most: float) -> bool:
        """Whether it is below a bound and grew with the size alone."""
        return self.twice < most and (not self.once or self.twice <= MAX_RATIO * self.once)


def price(
    prepare: Callable[[int], Thing], act: Callable[[Thing], object], size: int, floor: float = FLOOR
) -> Price:
    """What the act costs with `size` bytes and with half as many; what is cheap is tried once.

    What it acts on is prepared anew for each try, and that is not counted.
    """

    def cost(size: int) -> float:
        thing = prepare(size)
        begun = time.thread_time()
        act(thing)
        return time.thread_time() - begun

    twice = cost(size)
    if twice <= floor:
        return Price(0, twice)
    repeats = 1 if twice > HOPELESS else REPEATS
    pairs = [Price(cost(size // 2), cost(size)) for _ in range(repeats)]
    return min(pairs, key=lambda pair: pair.twice / pair.once)  # the processor's own pace changes, too
