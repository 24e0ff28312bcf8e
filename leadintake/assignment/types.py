"""Input and output of a decision: plain values, stored as JSON."""

from __future__ import annotations

import uuid
from typing import Literal

import msgspec

Match = Literal["hard", "preferred", "off"]
"""Candidates without a match are excluded, come last, or count as equal."""
UNTIL_FURTHER_NOTICE = "further notice"


class Candidate(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A user whose role works on leads, at a decision."""

    user_id: uuid.UUID
    name: str
    active: bool = True
    joined: bool = True
    takes_leads: bool = True
    screened: bool = False
    declined: bool = False
    away_until: str = ""
    """Last day away, or UNTIL_FURTHER_NOTICE; empty if present."""
    in_hours: bool = True
    open_leads: int = 0
    capacity: int | None = None
    """Most open leads; None: no limit."""
    today: int = 0
    """Leads assigned since midnight and not reassigned."""
    per_day: int | None = None
    fits_area: bool = True
    fits_language: bool = True
    weight: int = 1
    last_turn: int = 0
    """models.Turn; 0: none yet."""
    credit: int = 0
    """How far behind the share in the rotation (round_robin.TURN: one lead)."""


class FirstChoice(msgspec.Struct, frozen=True):
    """A user preferred to others if eligible: earlier assignee of the prospect, or substitute."""

    user_id: uuid.UUID
    strategy: Literal["returning", "substitute"]
    instead_of: str = ""
    """Name of the absent user whom a substitute replaces."""


class Situation(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """All input of a decision: equal ones give equal decisions."""

    strategy: str
    policy: str
    """Hash of the policy."""
    rotation: str = ""
    """Practice area with a rotation of its own; empty for the firm's."""
    practice_area: str = ""
    language: str = ""
    match_practice_area: Match = "off"
    match_language: Match = "off"
    seed: int = 0
    first_choices: tuple[FirstChoice, ...] = ()
    candidates: tuple[Candidate, ...] = ()


class Choice(msgspec.Struct, frozen=True):
    """Result of a strategy. `why`: a sentence; `credits`: the changed ones."""

    chosen: Candidate
    why: str
    scores: dict[uuid.UUID, str]
    tie_break: str = ""
    credits: dict[uuid.UUID, int] = {}


class Decision(msgspec.Struct, frozen=True, omit_defaults=True):
    """The chosen user (None: no eligible one) and why. `reason`: a sentence."""

    user_id: uuid.UUID | None
    strategy: str
    reason: str
    excluded: dict[uuid.UUID, str] = {}
    """Reason by excluded user: words after the name."""
    scores: dict[uuid.UUID, str] = {}
    tie_break: str = ""
    credits: dict[uuid.UUID, int] = {}


class Record(msgspec.Struct, frozen=True):
    """A decision with its situation."""

    situation: Situation
    decision: Decision


def write(record: Record) -> str:
    """Encode a record as JSON."""
    return msgspec.json.encode(record).decode()


def read(text: str) -> Record:
    """Decode a record."""
    return msgspec.json.decode(text, type=Record)


def count_noun(number: int, thing: str) -> str:
    """Return `1 lead` or `2 leads`."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
