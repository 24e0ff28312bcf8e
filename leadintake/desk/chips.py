"""The filters in use, in words, each with the address of the list without it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

from flask import current_app, url_for

from leadintake.auth.models import User
from leadintake.desk.filters import ListRequest
from leadintake.desk.words import OUTCOMES, SOURCES, STATES, day
from leadintake.leads.fields import AREA_NAMES
from leadintake.leads.status import LeadStatus, Outcome, Source

AGES = {"today": "Today", "week": "This week", "older": "Before this week"}
OWNERS = {"me": "Me", "none": "Nobody"}
TITLES = {
    "q": "Search",
    "status": "State",
    "assigned_to": "Assigned to",
    "outcome": "Outcome",
    "practice_area": "Practice area",
    "language": "Language",
    "tag": "Tag",
    "source": "Source",
    "age": "Age",
    "created_from": "From",
    "created_to": "To",
}
"""Filters that are chips, in the order in which they are shown."""


FURTHER = ("outcome", "practice_area", "language", "tag", "source", "created_from", "created_to")
"""Fields of the form that are folded away while none of them is in use."""


class Chip(NamedTuple):
    """A filter in use."""

    title: str
    value: str
    address: str
    """Of the list without it."""


def list_chips(requested: ListRequest, people: Sequence[User]) -> list[Chip]:
    """Return the filters of a list."""
    values = {name: value for name, value in requested.values.items() if name != "cursor"}
    return [
        Chip(title, _describe(name, values[name], people), _address_without(name, values))
        for name, title in TITLES.items()
        if name in values
    ]


def list_choices(
    requested: ListRequest, *, tags: Sequence[str]
) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """Return the select fields of FURTHER: name, title and choices, with what is chosen now."""
    areas = [(area, name_area(area)) for area in current_app.config["PRACTICE_AREAS"]]
    languages = [(language, language) for language in current_app.config["LANGUAGES"]]
    outcomes = [("none", "None yet"), *((str(outcome), words) for outcome, words in OUTCOMES.items())]
    sources = [(str(source), words) for source, words in SOURCES.items()]
    choices = {
        "outcome": outcomes,
        "practice_area": areas,
        "language": languages,
        "tag": [(tag, tag) for tag in tags],
        "source": sources,
    }
    for name, known in choices.items():
        value = requested.values.get(name)
        if value and value not in dict(known):  # such as an area that the firm has no more
            known.append((value, _describe(name, value, ())))
    return [(name, TITLES[name], known) for name, known in choices.items() if known]


def name_area(area: str) -> str:
    """Return a practice area in words."""
    return AREA_NAMES.get(area) or area.replace("-", " ").capitalize()


def _describe(name: str, value: str, people: Sequence[User]) -> str:
    match name:
        case "status":
            return STATES[LeadStatus(value)]
        case "assigned_to":
            names = {str(person.id): person.name for person in people}
            return OWNERS.get(value) or names.get(value.lower(), "A colleague")
        case "created_from" | "created_to":
            return day(date.fromisoformat(value))
        case "age":
            return AGES[value]
        case "outcome":
            return "None yet" if value == "none" else OUTCOMES[Outcome(value)]
        case "source":
            return SOURCES[Source(value)]
        case "practice_area":
            return name_area(value)
    return value


def _address_without(name: str, values: Mapping[str, str]) -> str:
    rest = {other: value for other, value in values.items() if other != name}
    return url_for("desk.queue.show", **rest)  # type: ignore[arg-type] # all are text
