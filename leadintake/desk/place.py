"""The place in a list from which a lead was opened: the way back to it, and the lead's neighbours there.

A link to a lead carries the query string of its list as `list`. It is read like that of the list itself; what
the list would refuse stands for the whole list. `own` stands for the reader's own leads above it.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from urllib.parse import parse_qsl, urlencode

from flask import request, url_for

from leadintake.auth.models import User
from leadintake.core.errors import UnprocessableContent
from leadintake.desk.forms import parse_values
from leadintake.desk.words import reader_zone
from leadintake.leads.listing import Listing, is_own, list_matching, list_others, list_own
from leadintake.leads.models import Lead
from leadintake.leads.queue import MAX_OWN
from leadintake.leads.schemas import LeadQuery

PAGE = 25
UNTIL = "created_to"
OWN = {"own": "1"}
MAX_LIST_LENGTH, MAX_FIELDS = 4_000, 20


@dataclass(frozen=True)
class Place:
    """Where a lead stands in its list."""

    query: str
    """The list, as links to its leads carry it."""
    back: str
    """Address of the list, at the lead."""
    previous: uuid.UUID | None
    next: uuid.UUID | None


def read_filter(typed: Mapping[str, str]) -> LeadQuery:
    """Read the query of a list. Days are in the reader's time zone. Raises UnprocessableContent."""
    days = {
        name: _start_of(typed[name], name).isoformat() for name in ("created_from", UNTIL) if typed.get(name)
    }
    return parse_values(LeadQuery, {**typed, **days})


def list_address() -> str:
    """Return the address of the list that the request carries."""
    return _address(_read_list()[0])


def lead_address(lead_id: object) -> str:
    """Return the address of a lead, with the list that the request carries."""
    return url_for("desk.lead.show", lead_id=lead_id, list=urlencode(_read_list()[0]) or None)


def find_place(lead: Lead, reader: User) -> Place:
    """Return the lead's place in the list that the request carries; without one, in the whole list.

    The way back leads to the page of the list that the reader left, if the lead is on it, else to the page
    that begins with the lead; if the list has it no more, to a neighbour.
    """
    values, filters = _read_list()
    try:
        return _find(lead, reader, values, filters)
    except UnprocessableContent:  # the cursor of another list, or a search that the list refuses
        return _find(lead, reader, {}, LeadQuery())


def _find(lead: Lead, reader: User, values: Mapping[str, str], filters: LeadQuery) -> Place:
    is_shown_first = not values and is_own(lead, reader)
    values = OWN if is_shown_first else values
    listing, limit = _open_list(values, filters, reader)
    before, after = listing.before(lead), listing.after(lead)
    start = listing.cursor_after(before) if before is not None else None
    starts = (filters.cursor, start) if values and values != OWN else (None,)
    pages = {cursor: _read_ids(listing, limit, cursor) for cursor in starts}
    keys = [lead.id, *(row.id for row in (after, before) if row is not None)]
    marks = ((cursor, key) for key in keys for cursor, on_page in pages.items() if key in on_page)
    cursor, mark = next(marks, (None, None))
    back = _address({**values, "cursor": cursor or ""}, mark)
    return Place(urlencode(values or {"sort": filters.sort}), back, before and before.id, after and after.id)


def _open_list(values: Mapping[str, str], filters: LeadQuery, reader: User) -> tuple[Listing, int]:
    """Return the list, and how many of its leads a page shows."""
    if values == OWN:
        return list_own(reader), MAX_OWN
    return (list_matching if filters.names() else list_others)(filters, reader), PAGE


def _read_ids(listing: Listing, limit: int, cursor: str | None) -> set[uuid.UUID]:
    return {row.id for row in listing.page(limit=limit, cursor=cursor, shape=listing.select_keys).items}


def _read_list() -> tuple[Mapping[str, str], LeadQuery]:
    text = request.args.get("list", "")
    try:
        typed = dict(parse_qsl(text[: MAX_LIST_LENGTH + 1], max_num_fields=MAX_FIELDS))
        if len(text) <= MAX_LIST_LENGTH and not OWN.keys() & typed.keys():
            return typed, read_filter(typed)
    except (ValueError, UnprocessableContent):  # cut, or written by hand: the whole list
        return {}, LeadQuery()
    return (OWN if len(text) <= MAX_LIST_LENGTH else {}), LeadQuery()


def _address(values: Mapping[str, str], mark: uuid.UUID | None = None) -> str:
    """Return the address of a list, scrolled to a lead."""
    query = {name: value for name, value in values.items() if value and name not in OWN}
    anchor = f"lead-{mark.hex[-12:]}" if mark else None
    return url_for("desk.queue.show", _anchor=anchor, **query)  # type: ignore[arg-type] # all are text


def _start_of(day: str, field: str) -> datetime:
    """Return the start of a day, or for UNTIL of the next day."""
    try:
        first = date.fromisoformat(day) + timedelta(days=1 if field == UNTIL else 0)
    except (ValueError, OverflowError) as error:
        raise UnprocessableContent({field: ["Choose a day, such as 2026-11-26."]}) from error
    return datetime.combine(first, time(), reader_zone())
