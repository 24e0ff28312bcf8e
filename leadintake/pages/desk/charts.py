"""Bars as SVG: where each lies, so that a template can write it down.

Lengths are per cent of the picture's width, so that letters stay as large as they are on a narrow screen;
heights are pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

LONGEST = 75
"""Per cent: the longest bar leaves room for the figure behind it."""
LABEL, BAR, GAP = 20, 16, 14
LONGEST_LABEL = 40


@dataclass(frozen=True)
class Bar:
    """What is measured, how much, and how that is said."""

    name: str
    value: float
    said: str


@dataclass(frozen=True)
class Series:
    """Somebody, and their bars."""

    name: str
    bars: Sequence[Bar]


@dataclass(frozen=True)
class Drawn:
    """A bar in the picture. `kind` numbers what is measured, from 0."""

    kind: int
    y: int
    length: float
    said: str


@dataclass(frozen=True)
class Group:
    """The bars of somebody, below their name."""

    label: str
    y: int
    bars: Sequence[Drawn]


@dataclass(frozen=True)
class Chart:
    """A picture. `kinds` names what is measured."""

    height: int
    kinds: Sequence[str]
    groups: Sequence[Group]
    thickness: int = BAR


def chart(series: Sequence[Series]) -> Chart:
    """Lay the bars out below each other, the longest as long as there is room."""
    most = max((bar.value for one in series for bar in one.bars), default=0) or 1
    groups, y = [], 0
    for one in series:
        bars = [
            Drawn(kind, y + LABEL + kind * BAR, round(LONGEST * bar.value / most, 1), bar.said)
            for kind, bar in enumerate(one.bars)
        ]
        groups.append(Group(_short(one.name), y, bars))
        y += LABEL + len(bars) * BAR + GAP
    return Chart(y, [bar.name for bar in series[0].bars] if series else [], groups)


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_LABEL else name[: LONGEST_LABEL - 1] + "…"
