"""The filters in use, in words, each with the address of the list without it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

from flask import url_for

from leadintake.auth.models import User
from leadintake.desk.filters import ListRequest
from leadintake.desk.words import STATES, day
from leadintake.leads.status import LeadStatus

AGES = {"today": "Today", "week": "This week", "older": "Before this week"}
OWNERS = {"me": "Me", "none": "Nobody"}
TITLES = {
    "q": "Search",
    "status": "State",
    "assigned_to": "Assigned to",
    "created_from": "From",
    "created_to": "To",
    "age": "Age",
}
"""Filters that are chips, in the order in which they are shown."""


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
    return value


def _address_without(name: str, values: Mapping[str, str]) -> str:
    rest = {other: value for other, value in values.items() if other != name}
    return url_for("desk.queue.show", **rest)  # type: ignore[arg-type] # all are text
