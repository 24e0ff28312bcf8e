"""The query string of the list: a page of one group, the leads that match filters, or the overview."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal
from urllib.parse import urlencode

from leadintake.core.clock import now
from leadintake.core.errors import UnprocessableContent
from leadintake.desk.forms import parse_values
from leadintake.desk.words import reader_zone
from leadintake.leads.groups import Group
from leadintake.leads.schemas import LeadQuery

UNTIL = "created_to"
MAX_FIELDS = 20
OF_PAGES = frozenset({"group", "cursor"})


class ListQuery(LeadQuery):
    """The filters of the JSON routes, and those of the desk alone."""

    group: Group | None = None
    age: Literal["today", "week", "older"] | None = None


@dataclass(frozen=True)
class ListRequest:
    """A list that was asked for. Without group and filters: the overview of all groups."""

    values: Mapping[str, str]
    """What was filled in."""
    query: ListQuery
    group: Group | None
    is_flat: bool
    """Whether it is one list by filters, or in an order."""

    @property
    def text(self) -> str:
        """The query string."""
        return urlencode(self.values)

    @property
    def name(self) -> str:
        """The query string without the page: the same for all pages of a list."""
        return urlencode({name: value for name, value in self.values.items() if name != "cursor"})


def read_list(typed: Mapping[str, str]) -> ListRequest:
    """Read the query of a list. Raises UnprocessableContent."""
    query = read_filter(typed)
    values = {name: value for name, value in typed.items() if value.strip()}
    is_flat = bool(values.keys() - OF_PAGES) or ("cursor" in values and query.group is None)
    return ListRequest(values, query, None if is_flat else query.group, is_flat)


def read_filter(typed: Mapping[str, str]) -> ListQuery:
    """Read the filters. Days and ages are in the reader's time zone. Raises UnprocessableContent."""
    days = {
        name: _start_of(typed[name], name).isoformat() for name in ("created_from", UNTIL) if typed.get(name)
    }
    query = parse_values(ListQuery, {**typed, **days})
    today = now().astimezone(reader_zone()).date()
    monday = _midnight(today - timedelta(days=today.weekday()))
    match query.age:
        case "today":
            query.created_from = _latest(query.created_from, _midnight(today))
        case "week":
            query.created_from = _latest(query.created_from, monday)
        case "older":
            query.created_to = monday if query.created_to is None else min(query.created_to, monday)
    return query


def _latest(first: datetime | None, second: datetime) -> datetime:
    return second if first is None else max(first, second)


def _start_of(day: str, field: str) -> datetime:
    """Return the start of a day, or for UNTIL of the next day."""
    try:
        first = date.fromisoformat(day) + timedelta(days=1 if field == UNTIL else 0)
    except (ValueError, OverflowError) as error:
        raise UnprocessableContent({field: ["Choose a day, such as 2026-11-26."]}) from error
    return _midnight(first)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), reader_zone())
