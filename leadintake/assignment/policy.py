"""The firm's rules of assignment: a TOML file, or, without one, the fewest open leads and no bounds."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Collection, Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec
from flask import Flask, current_app

from leadintake.assignment import hours
from leadintake.assignment.facts import Match
from leadintake.assignment.strategies import STRATEGIES

Weight = Annotated[int, msgspec.Meta(ge=1, le=100)]
Bound = Annotated[int, msgspec.Meta(ge=1)]


class Area(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Rules for the leads of one practice area, where they differ from the firm's. It has its own turns."""

    strategy: str = ""
    match_practice_area: Match | None = None
    match_language: Match | None = None


class Terms(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What an attorney takes. Without `practice_areas` or `languages` they take any."""

    weight: Weight = 1
    capacity: Bound | None = None
    per_day: Bound | None = None
    practice_areas: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    hours: tuple[str, ...] = ()
    timezone: str = ""


class Policy(msgspec.Struct, forbid_unknown_fields=True, frozen=True, dict=True):
    """The whole file. `capacity`, `per_day` and `hours` hold for everybody without their own."""

    strategy: str = "least_open"
    match_practice_area: Match = "hard"
    match_language: Match = "preferred"
    timezone: str = "UTC"
    capacity: Bound | None = None
    per_day: Bound | None = None
    hours: tuple[str, ...] = ()
    areas: dict[str, Area] = {}
    attorneys: dict[str, Terms] = {}

    @functools.cached_property
    def hash(self) -> str:
        """Tells one set of rules from another, however the file is laid out."""
        return hashlib.sha256(msgspec.json.encode(self, order="sorted")).hexdigest()[:16]

    def area(self, name: str | None) -> Area:
        """The rules for a lead of this practice area, complete."""
        own = self.areas.get(name or "", Area())
        return Area(
            own.strategy or self.strategy,
            own.match_practice_area or self.match_practice_area,
            own.match_language or self.match_language,
        )

    def rotation(self, practice_area: str | None) -> str:
        """Whose turns are counted for such a lead: those of the practice area, or (empty) the firm's."""
        return practice_area if practice_area and practice_area in self.areas else ""

    def terms(self, email: str) -> Terms:
        """What the attorney with this address takes, complete."""
        return self._complete.get(email, self._usual)

    @functools.cached_property
    def _usual(self) -> Terms:
        return self._completed(Terms())

    @functools.cached_property
    def _complete(self) -> dict[str, Terms]:
        return {email: self._completed(own) for email, own in self.attorneys.items()}

    def _completed(self, own: Terms) -> Terms:
        return msgspec.structs.replace(
            own,
            capacity=own.capacity or self.capacity,
            per_day=own.per_day or self.per_day,
            hours=own.hours or self.hours,
            timezone=own.timezone or self.timezone,
        )

    def zone(self) -> ZoneInfo:
        """The firm's clock: absences and days are counted in it."""
        return ZoneInfo(self.timezone)

    def local(self, moment: datetime) -> datetime:
        """A moment in the firm's clock."""
        return moment.astimezone(self.zone())

    def counts_days(self) -> bool:
        """Whether anybody takes only so many leads a day."""
        return self.per_day is not None or any(one.per_day for one in self.attorneys.values())


def read(path: Path, *, practice_areas: Collection[str], languages: Collection[str]) -> Policy:
    """The policy in this file. Raises ValueError with every problem, one a line."""
    try:
        policy = msgspec.toml.decode(path.read_bytes(), type=Policy)
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror})") from error
    except msgspec.MsgspecError as error:
        raise ValueError(f"{path}: {error}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8") from error
    problems = [*_problems(policy, practice_areas, languages)]
    if problems:
        raise ValueError("\n".join(f"{path}: {problem}" for problem in problems))
    # Accounts are kept in small letters.
    return msgspec.structs.replace(
        policy, attorneys={email.casefold(): terms for email, terms in policy.attorneys.items()}
    )


def load(app: Flask) -> None:
    """Take up the policy that the settings name; they were judged before."""
    path = app.config["ASSIGNMENT_POLICY"]
    known = {"practice_areas": app.config["PRACTICE_AREAS"], "languages": app.config["LANGUAGES"]}
    app.extensions["leadintake.policy"] = read(Path(path), **known) if path else Policy()


def current() -> Policy:
    """The policy of the running application."""
    found: Policy = current_app.extensions["leadintake.policy"]
    return found


def _problems(policy: Policy, practice_areas: Collection[str], languages: Collection[str]) -> Iterator[str]:
    yield from _strategy("strategy", policy.strategy)
    yield from _clock("", policy.hours, policy.timezone)
    for name, area in policy.areas.items():
        if name not in practice_areas:
            yield f"areas.{name} is not one of PRACTICE_AREAS"
        yield from _strategy(f"areas.{name}.strategy", area.strategy or policy.strategy)
    if len({email.casefold() for email in policy.attorneys}) < len(policy.attorneys):
        yield "attorneys: somebody is there twice, in other capitals"
    for email, terms in policy.attorneys.items():
        where = f"attorneys.{email}."
        if email.count("@") != 1:
            yield f"attorneys: {email!r} is not an e-mail address"
        yield from _clock(where, terms.hours, terms.timezone or policy.timezone)
        for what, chosen, known in (
            ("practice_areas", terms.practice_areas, practice_areas),
            ("languages", terms.languages, languages),
        ):
            unknown = sorted(set(chosen) - set(known))
            if unknown:
                yield f"{where}{what}: {', '.join(unknown)} is not in {what.upper()}"


def _strategy(where: str, name: str) -> Iterator[str]:
    if name not in STRATEGIES:
        yield f"{where}: {name!r} is not one of {', '.join(STRATEGIES)}"


def _clock(where: str, written: tuple[str, ...], timezone: str) -> Iterator[str]:
    try:
        ZoneInfo(timezone)
    except (OSError, ValueError, LookupError):
        yield f"{where}timezone: {timezone!r} is not a time zone such as America/New_York"
    for line in written:
        try:
            hours.parse(line)
        except ValueError as error:
            yield f"{where}hours: {error}"
