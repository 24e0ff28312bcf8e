"""Geometry of SVG bar charts.

Lengths are per cent of the width, since text keeps its size on narrow screens; heights are pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MAX_BAR_LENGTH = 75
"""Per cent: leaves room for the figure after the bar."""
LABEL, BAR, GAP = 20, 16, 14
MAX_LABEL_LENGTH = 40


@dataclass(frozen=True)
class Bar:
    """A measure: name, value, value as text."""

    name: str
    value: float
    text: str


@dataclass(frozen=True)
class Series:
    """A person's measures."""

    name: str
    bars: Sequence[Bar]


@dataclass(frozen=True)
class BarShape:
    """A bar. `kind`: index of the measure."""

    kind: int
    y: int
    length: float
    text: str


@dataclass(frozen=True)
class Group:
    """A person's name and bars."""

    label: str
    y: int
    bars: Sequence[BarShape]


@dataclass(frozen=True)
class Chart:
    """A chart. `kinds`: names of the measures."""

    height: int
    kinds: Sequence[str]
    groups: Sequence[Group]
    thickness: int = BAR


def chart(series: Sequence[Series]) -> Chart:
    """Lay out the bars, scaled to the longest."""
    most = max((bar.value for person in series for bar in person.bars), default=0) or 1
    groups, y = [], 0
    for person in series:
        bars = [
            BarShape(kind, y + LABEL + kind * BAR, round(MAX_BAR_LENGTH * bar.value / most, 1), bar.text)
            for kind, bar in enumerate(person.bars)
        ]
        groups.append(Group(_short(person.name), y, bars))
        y += LABEL + len(bars) * BAR + GAP
    return Chart(y, [bar.name for bar in series[0].bars] if series else [], groups)


def _short(name: str) -> str:
    return name if len(name) <= MAX_LABEL_LENGTH else name[: MAX_LABEL_LENGTH - 1] + "…"
