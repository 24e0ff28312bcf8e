"""The firm's assignment policy, from a TOML file. Default: fewest open leads, no limits."""

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
from leadintake.assignment.strategies import STRATEGIES
from leadintake.assignment.types import Match
from leadintake.core.clock import is_zone

Weight = Annotated[int, msgspec.Meta(ge=1, le=100)]
Bound = Annotated[int, msgspec.Meta(ge=1)]


class Area(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Rules of a practice area where they differ from the firm's. It has its own rotation."""

    strategy: str = ""
    match_practice_area: Match | None = None
    match_language: Match | None = None


class Terms(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What an attorney takes. Empty `practice_areas` or `languages`: any."""

    weight: Weight = 1
    capacity: Bound | None = None
    per_day: Bound | None = None
    practice_areas: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    hours: tuple[str, ...] = ()
    timezone: str = ""


class Policy(msgspec.Struct, forbid_unknown_fields=True, frozen=True, dict=True):
    """The file. `capacity`, `per_day`, `hours` and `timezone` are defaults for attorneys.

    Without `timezone` the firm's (TIMEZONE) counts.
    """

    strategy: str = "least_open"
    match_practice_area: Match = "hard"
    match_language: Match = "preferred"
    timezone: str = ""
    capacity: Bound | None = None
    per_day: Bound | None = None
    hours: tuple[str, ...] = ()
    areas: dict[str, Area] = {}
    attorneys: dict[str, Terms] = {}

    @functools.cached_property
    def hash(self) -> str:
        """Hash of the rules, whatever the file's layout."""
        rules = self.with_time_zone("UTC")
        return hashlib.sha256(msgspec.json.encode(rules, order="sorted")).hexdigest()[:16]

    def with_time_zone(self, name: str) -> Policy:
        """Return the same rules, with this time zone if they name none."""
        return msgspec.structs.replace(self, timezone=self.timezone or name)

    def area(self, name: str | None) -> Area:
        """Return the complete rules of a practice area."""
        own = self.areas.get(name or "", Area())
        return Area(
            own.strategy or self.strategy,
            own.match_practice_area or self.match_practice_area,
            own.match_language or self.match_language,
        )

    def rotation(self, practice_area: str | None) -> str:
        """Return the name of the rotation: a practice area with rules of its own, else empty."""
        return practice_area if practice_area and practice_area in self.areas else ""

    def terms(self, email: str) -> Terms:
        """Return the complete terms of an attorney."""
        return self._terms_by_email.get(email, self._default_terms)

    @functools.cached_property
    def _default_terms(self) -> Terms:
        return self._complete_terms(Terms())

    @functools.cached_property
    def _terms_by_email(self) -> dict[str, Terms]:
        return {email: self._complete_terms(own) for email, own in self.attorneys.items()}

    def _complete_terms(self, own: Terms) -> Terms:
        return msgspec.structs.replace(
            own,
            capacity=own.capacity or self.capacity,
            per_day=own.per_day or self.per_day,
            hours=own.hours or self.hours,
            timezone=own.timezone or self.timezone or "UTC",
        )

    def zone(self) -> ZoneInfo:
        """Return the time zone of working days."""
        return ZoneInfo(self.timezone or "UTC")

    def local(self, moment: datetime) -> datetime:
        """Return a moment in the time zone of working days."""
        return moment.astimezone(self.zone())

    def has_rotations(self) -> bool:
        """Return whether the firm or a practice area uses round_robin."""
        return "round_robin" in {self.strategy, *(area.strategy for area in self.areas.values())}

    def counts_days(self) -> bool:
        """Return whether anyone has a daily limit."""
        return self.per_day is not None or any(terms.per_day for terms in self.attorneys.values())


def read(path: Path, *, practice_areas: Collection[str], languages: Collection[str]) -> Policy:
    """Read and check a file. Raises ValueError with all problems, one a line."""
    try:
        policy = msgspec.toml.decode(path.read_bytes(), type=Policy)
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror})") from error
    except msgspec.MsgspecError as error:
        raise ValueError(f"{path}: {error}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8") from error
    problems = [*_find_problems(policy, practice_areas, languages)]
    if problems:
        raise ValueError("\n".join(f"{path}: {problem}" for problem in problems))
    # Accounts are stored casefolded.
    return msgspec.structs.replace(
        policy, attorneys={email.casefold(): terms for email, terms in policy.attorneys.items()}
    )


def load(app: Flask) -> None:
    """Load ASSIGNMENT_POLICY, which the settings have checked."""
    path = app.config["ASSIGNMENT_POLICY"]
    names = {"practice_areas": app.config["PRACTICE_AREAS"], "languages": app.config["LANGUAGES"]}
    rules = read(Path(path), **names) if path else Policy()
    app.extensions["leadintake.policy"] = rules.with_time_zone(app.config["TIMEZONE"])


def current() -> Policy:
    """Return the application's policy."""
    found: Policy = current_app.extensions["leadintake.policy"]
    return found


def _find_problems(
    policy: Policy, practice_areas: Collection[str], languages: Collection[str]
) -> Iterator[str]:
    yield from _check_strategy("strategy", policy.strategy)
    yield from _check_clock("", policy.hours, policy.timezone or "UTC")
    for name, area in policy.areas.items():
        if name not in practice_areas:
            yield f"areas.{name} is not one of PRACTICE_AREAS"
        yield from _check_strategy(f"areas.{name}.strategy", area.strategy or policy.strategy)
    if len({email.casefold() for email in policy.attorneys}) < len(policy.attorneys):
        yield "attorneys: somebody is there twice, in other capitals"
    for email, terms in policy.attorneys.items():
        where = f"attorneys.{email}."
        if email.count("@") != 1:
            yield f"attorneys: {email!r} is not an e-mail address"
        yield from _check_clock(where, terms.hours, terms.timezone or "UTC")
        for what, chosen, allowed in (
            ("practice_areas", terms.practice_areas, practice_areas),
            ("languages", terms.languages, languages),
        ):
            unknown = sorted(set(chosen) - set(allowed))
            if unknown:
                yield f"{where}{what}: {', '.join(unknown)} is not in {what.upper()}"


def _check_strategy(where: str, name: str) -> Iterator[str]:
    if name not in STRATEGIES:
        yield f"{where}: {name!r} is not one of {', '.join(STRATEGIES)}"


def _check_clock(where: str, hours_lines: tuple[str, ...], timezone: str) -> Iterator[str]:
    if not is_zone(timezone):
        yield f"{where}timezone: {timezone!r} is not a time zone such as America/New_York"
    for line in hours_lines:
        try:
            hours.parse(line)
        except ValueError as error:
            yield f"{where}hours: {error}"
