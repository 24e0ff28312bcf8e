"""What a decision is made from, and what it says: plain values, kept as JSON beside every lead."""

from __future__ import annotations

import uuid
from typing import Literal

import msgspec

Match = Literal["hard", "preferred", "off"]
"""Whether those who do not fit are left out, only come later, or are taken like the others."""
UNTIL_FURTHER_NOTICE = "further notice"


class Candidate(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Somebody whose role works on leads, as they were at the moment of a decision."""

    user_id: uuid.UUID
    name: str
    active: bool = True
    joined: bool = True
    takes_leads: bool = True
    screened: bool = False
    declined: bool = False
    away_until: str = ""
    """Their last day away (or `further notice`); empty for somebody who is here."""
    in_hours: bool = True
    open_leads: int = 0
    capacity: int | None = None
    """The most open leads they take; None: no bound."""
    today: int = 0
    """Leads that came to them since midnight and are theirs still."""
    per_day: int | None = None
    fits_area: bool = True
    fits_language: bool = True
    weight: int = 1
    last_turn: int = 0
    """Counts assignments of the firm, which no clock can reorder; 0: never had one."""
    credit: int = 0
    """How far behind their share they are in the rotation (round_robin.TURN is one lead)."""


class FirstChoice(msgspec.Struct, frozen=True):
    """Somebody who comes before everybody else, if eligible: has the prospect already, or stands in."""

    user_id: uuid.UUID
    strategy: Literal["returning", "substitute"]
    instead_of: str = ""
    """The name of the one a substitute stands in for."""


class Situation(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """All that a decision depends on: the same situation always gives the same decision."""

    strategy: str
    policy: str
    """The hash of the policy whose rules these are."""
    rotation: str = ""
    """The practice area that has a rotation of its own; empty for the firm's."""
    practice_area: str = ""
    language: str = ""
    match_practice_area: Match = "off"
    match_language: Match = "off"
    seed: int = 0
    first_choices: tuple[FirstChoice, ...] = ()
    candidates: tuple[Candidate, ...] = ()


class Choice(msgspec.Struct, frozen=True):
    """What a strategy says: who, why (a sentence), every score, and the credits that it changes."""

    chosen: Candidate
    why: str
    scores: dict[uuid.UUID, str]
    tie_break: str = ""
    credits: dict[uuid.UUID, int] = {}


class Decision(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who gets the lead (None: nobody can now), how it was decided, and why, in a sentence."""

    user_id: uuid.UUID | None
    strategy: str
    reason: str
    excluded: dict[uuid.UUID, str] = {}
    """Why each who was left out was, in words that follow their name."""
    scores: dict[uuid.UUID, str] = {}
    tie_break: str = ""
    credits: dict[uuid.UUID, int] = {}


class Record(msgspec.Struct, frozen=True):
    """A decision as it is kept: what was known, and what came of it."""

    situation: Situation
    decision: Decision


def write(record: Record) -> str:
    """The record as JSON."""
    return msgspec.json.encode(record).decode()


def read(text: str) -> Record:
    """A record from its JSON."""
    return msgspec.json.decode(text, type=Record)


def counted(number: int, thing: str) -> str:
    """`1 lead`, `2 leads`."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
