"""Bars as SVG: where each lies, so that a template can write it down. Units are those of the picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, LABELS, VALUES = 640, 170, 90
"""Of the whole picture, of the names on its left, and of the figures behind the longest bar."""
BAR, GAP = 16, 14
LONGEST_LABEL = 22


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
    y: float
    width: float
    said: str


@dataclass(frozen=True)
class Group:
    """The bars of somebody, and where their name stands."""

    label: str
    middle: float
    bars: Sequence[Drawn]


@dataclass(frozen=True)
class Chart:
    """A picture of WIDTH times `height`, its bars beginning at LABELS. `kinds` names what is measured."""

    height: float
    kinds: Sequence[str]
    groups: Sequence[Group]
    width: int = WIDTH
    start: int = LABELS
    thickness: int = BAR


def chart(series: Sequence[Series]) -> Chart:
    """Lay the bars out below each other, the longest as long as there is room."""
    most = max((bar.value for one in series for bar in one.bars), default=0) or 1
    room = WIDTH - LABELS - VALUES
    groups, y = [], float(GAP)
    for one in series:
        bars = [
            Drawn(kind, y + kind * BAR, round(room * bar.value / most, 1), bar.said)
            for kind, bar in enumerate(one.bars)
        ]
        tall = len(bars) * BAR
        groups.append(Group(_short(one.name), y + tall / 2, bars))
        y += tall + GAP
    return Chart(y, [bar.name for bar in series[0].bars] if series else [], groups)


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_LABEL else name[: LONGEST_LABEL - 1] + "…"
