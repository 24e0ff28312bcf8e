"""Geometry of SVG bar charts for templates.

Lengths in per cent of the width, so that text keeps its size on narrow screens; heights in pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

LONGEST = 75
"""Per cent: leaves room for the figure after the longest bar."""
LABEL, BAR, GAP = 20, 16, 14
MAX_LABEL_LENGTH = 40


@dataclass(frozen=True)
class Bar:
    """Measure: name, value, value as text."""

    name: str
    value: float
    text: str


@dataclass(frozen=True)
class Series:
    """Person and their bars."""

    name: str
    bars: Sequence[Bar]


@dataclass(frozen=True)
class BarShape:
    """Bar of a chart. `kind` is the index of the measure."""

    kind: int
    y: int
    length: float
    text: str


@dataclass(frozen=True)
class Group:
    """Bars of a person below their name."""

    label: str
    y: int
    bars: Sequence[BarShape]


@dataclass(frozen=True)
class Chart:
    """Chart. `kinds` names the measures."""

    height: int
    kinds: Sequence[str]
    groups: Sequence[Group]
    thickness: int = BAR


def chart(series: Sequence[Series]) -> Chart:
    """Lay out the bars from top to bottom, scaled to the longest."""
    most = max((bar.value for one in series for bar in one.bars), default=0) or 1
    groups, y = [], 0
    for one in series:
        bars = [
            BarShape(kind, y + LABEL + kind * BAR, round(LONGEST * bar.value / most, 1), bar.text)
            for kind, bar in enumerate(one.bars)
        ]
        groups.append(Group(_short(one.name), y, bars))
        y += LABEL + len(bars) * BAR + GAP
    return Chart(y, [bar.name for bar in series[0].bars] if series else [], groups)


def _short(name: str) -> str:
    return name if len(name) <= MAX_LABEL_LENGTH else name[: MAX_LABEL_LENGTH - 1] + "…"
