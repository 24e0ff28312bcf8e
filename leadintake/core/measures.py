"""Metrics: rooms declare and update them; /metrics sums them over all processes.

    SUBMISSIONS = measures.Counter("leadintake_submissions", "Submissions by result", "result")
    SUBMISSIONS.count("accepted")

Labels have few, fixed values, never typed text.
"""

from __future__ import annotations

import bisect
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Flask, current_app

from leadintake.core.slots import LIVE_PREFIX, Slots

if TYPE_CHECKING:
    from prometheus_client.core import Metric

SEPARATOR = "\x1f"
"""Separates name, part and labels in a key."""
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
BOUNDS = (*map(str, SECONDS), "+Inf")
_measures: dict[str, Measure] = {}
Sums = Mapping[tuple[str, ...], float]
"""Sums over all processes, by part and labels."""


def init_app(app: Flask) -> None:
    """Create the application's slots."""
    app.extensions["leadintake.slots"] = Slots(Path(app.config["INSTANCE_PATH"]) / "counts")


def slots_of(app: Flask) -> Slots:
    """Return the application's slots."""
    slots: Slots = app.extensions["leadintake.slots"]
    return slots


def families(slots: Slots) -> Iterator[Metric]:
    """Yield every metric, summed over all processes."""
    sums: dict[str, dict[tuple[str, ...], float]] = {name: {} for name in _measures}
    for key, number in slots.read():
        name, *rest = key.removeprefix(LIVE_PREFIX).split(SEPARATOR)
        measure = _measures.get(name)
        if measure is not None and len(rest) == len(measure.labels) + 1:  # else written by another version
            labels = tuple(rest)
            before = sums[name].get(labels)
            sums[name][labels] = number if before is None else measure.merge(before, number)
    for name, measure in _measures.items():
        yield measure.family(sums[name])


class Measure(ABC):
    def __init__(self, name: str, help_text: str, *labels: str) -> None:
        self.name, self.help, self.labels = name, help_text, labels
        _measures[name] = self

    def merge(self, first: float, second: float) -> float:
        """Combine two processes' numbers."""
        return first + second

    @abstractmethod
    def family(self, sums: Sums) -> Metric:
        """Convert the sums to a Prometheus metric family."""

    def _key(self, part: str, values: tuple[str, ...]) -> str:
        return SEPARATOR.join((self.name, part, *values))


class Counter(Measure):
    """A number that only rises."""

    def count(self, *values: str, slots: Slots | None = None) -> None:
        """Add one. `slots`: of another application than the current."""
        (slots or _current()).add(self._key("", values), 1)

    def family(self, sums: Sums) -> Metric:
        from prometheus_client.core import CounterMetricFamily

        family = CounterMetricFamily(self.name, self.help, labels=self.labels)
        for (_, *values), number in sorted(sums.items()):
            family.add_metric(values, number)
        return family


class Gauge(Measure):
    """A number that rises and falls while its process lives."""

    def add(self, amount: float, *values: str, slots: Slots | None = None) -> None:
        """Add an amount, which may be negative."""
        (slots or _current()).add(LIVE_PREFIX + self._key("", values), amount)

    def family(self, sums: Sums) -> Metric:
        from prometheus_client.core import GaugeMetricFamily

        family = GaugeMetricFamily(self.name, self.help, labels=self.labels)
        for (_, *values), number in sorted(sums.items()):
            family.add_metric(values, number)
        return family


class Timestamp(Measure):
    """The last time of an event, in seconds since 1970."""

    def set(self, at: float, *values: str, slots: Slots | None = None) -> None:
        """Set the time. `slots`: of another application than the current."""
        (slots or _current()).set(self._key("", values), at)

    def read(self, slots: Slots) -> dict[tuple[str, ...], float]:
        """Return the latest times on this machine, by labels."""
        found: dict[tuple[str, ...], float] = {}
        for key, at in slots.read():
            name, *rest = key.split(SEPARATOR)
            if name == self.name:
                labels = tuple(rest[1:])
                found[labels] = max(at, found.get(labels, at))
        return found

    def merge(self, first: float, second: float) -> float:
        return max(first, second)

    family = Gauge.family


class Histogram(Measure):
    """The distribution of a duration."""

    def observe(self, seconds: float, *values: str, slots: Slots | None = None) -> None:
        target = slots or _current()
        target.add(self._key(BOUNDS[bisect.bisect_left(SECONDS, seconds)], values), 1)
        target.add(self._key("sum", values), seconds)

    def family(self, sums: Sums) -> Metric:
        from prometheus_client.core import HistogramMetricFamily

        family = HistogramMetricFamily(self.name, self.help, labels=self.labels)
        for values in sorted({tuple(rest) for _, *rest in sums}):
            buckets, total = [], 0.0
            for bound in BOUNDS:
                total += sums.get((bound, *values), 0)
                buckets.append((bound, total))
            family.add_metric(values, buckets, sums.get(("sum", *values), 0))
        return family


def _current() -> Slots:
    return slots_of(current_app)
