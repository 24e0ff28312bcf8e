"""What rooms count while they work, for /metrics: declared once, right over all processes of this machine.

    SUBMISSIONS = measures.Counter("leadintake_submissions", "Submissions by result", "result")
    SUBMISSIONS.count("accepted")

Labels take few values, all of them ours: nothing that strangers type becomes one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path

from flask import Flask, current_app
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from leadintake.core.slots import PASSING, Slots

BETWEEN = "\x1f"
"""Stands between the name, what it is of, and the labels in a key."""
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_declared: dict[str, Measure] = {}
Sums = Mapping[tuple[str, ...], float]
"""For each part and labels its number, added up over the processes."""


def init_app(app: Flask) -> None:
    """Give the application its place for numbers."""
    app.extensions["leadintake.slots"] = Slots(Path(app.config["INSTANCE_PATH"]) / "counts")


def slots_of(app: Flask) -> Slots:
    """Where this application keeps its numbers."""
    slots: Slots = app.extensions["leadintake.slots"]
    return slots


def families(slots: Slots) -> Iterator[Metric]:
    """Everything declared, with the numbers of all processes."""
    sums: dict[str, dict[tuple[str, ...], float]] = {name: {} for name in _declared}
    for key, number in slots.read():
        name, *rest = key.removeprefix(PASSING).split(BETWEEN)
        measure = _declared.get(name)
        if measure is not None and len(rest) == len(measure.labels) + 1:  # else of another version
            labels = tuple(rest)
            before = sums[name].get(labels)
            sums[name][labels] = number if before is None else measure.join(before, number)
    for name, measure in _declared.items():
        yield measure.family(sums[name])


class Measure(ABC):
    """Something that is measured, by labels."""

    def __init__(self, name: str, help_text: str, *labels: str) -> None:
        self.name, self.help, self.labels = name, help_text, labels
        _declared[name] = self

    def join(self, one: float, another: float) -> float:
        """The number of two processes."""
        return one + another

    @abstractmethod
    def family(self, sums: Sums) -> Metric:
        """Return the sums in Prometheus' form."""

    def _key(self, part: str, values: tuple[str, ...]) -> str:
        return BETWEEN.join((self.name, part, *values))


class Counter(Measure):
    """Only rises."""

    def count(self, *values: str, slots: Slots | None = None) -> None:
        """Count one more, of an application that is not the current one where `slots` are given."""
        (slots or _current()).add(self._key("", values), 1)

    def family(self, sums: Sums) -> Metric:
        """As Prometheus wants it."""
        family = CounterMetricFamily(self.name, self.help, labels=self.labels)
        for (_, *values), number in sorted(sums.items()):
            family.add_metric(values, number)
        return family


class Level(Measure):
    """Rises and falls in each process while it lives."""

    def move(self, amount: float, *values: str, slots: Slots | None = None) -> None:
        """Add an amount, which may be negative."""
        (slots or _current()).add(PASSING + self._key("", values), amount)

    def family(self, sums: Sums) -> Metric:
        """As Prometheus wants it."""
        family = GaugeMetricFamily(self.name, self.help, labels=self.labels)
        for (_, *values), number in sorted(sums.items()):
            family.add_metric(values, number)
        return family


class Moment(Measure):
    """When something happened last, in seconds since 1970."""

    def note(self, at: float, *values: str) -> None:
        """Note that it happened."""
        _current().put(self._key("", values), at)

    def join(self, one: float, another: float) -> float:
        """The later."""
        return max(one, another)

    family = Level.family


class Histogram(Measure):
    """How long something took."""

    def observe(self, seconds: float, *values: str, slots: Slots | None = None) -> None:
        """Count one that took so long."""
        kept = slots or _current()
        bound = next((str(bound) for bound in SECONDS if seconds <= bound), "+Inf")
        kept.add(self._key(bound, values), 1)
        kept.add(self._key("sum", values), seconds)

    def family(self, sums: Sums) -> Metric:
        """As Prometheus wants it: each bucket with all that are below it."""
        family = HistogramMetricFamily(self.name, self.help, labels=self.labels)
        for values in sorted({tuple(rest) for _, *rest in sums}):
            buckets, total = [], 0.0
            for bound in (*map(str, SECONDS), "+Inf"):
                total += sums.get((bound, *values), 0)
                buckets.append((bound, total))
            family.add_metric(values, buckets, sums.get(("sum", *values), 0))
        return family


def _current() -> Slots:
    return slots_of(current_app)
