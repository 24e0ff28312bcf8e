"""The place in a list from which a lead was opened: the way back to it, and the lead's neighbours there.

A link to a lead carries the query string of its list as `list`. It is read like that of the list itself; what
the list would refuse stands for the overview. There, `overview` names the group whose leads are neighbours.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from flask import request, url_for

from leadintake.auth.models import User
from leadintake.core.errors import UnprocessableContent
from leadintake.desk.filters import MAX_FIELDS, read_filter, read_list
from leadintake.leads.groups import Group, group_of, list_group
from leadintake.leads.listing import Listing, list_matching
from leadintake.leads.models import Lead
from leadintake.leads.queue import overview_limit

__all__ = ["PAGE", "Place", "find_place", "lead_address", "list_address", "read_filter"]
PAGE = 25
OVERVIEW = "overview"
MAX_LIST_LENGTH = 4_000


@dataclass(frozen=True)
class Place:
    """Where a lead stands in its list."""

    query: str
    """The list, as links to its leads carry it."""
    back: str
    """Address of the list, at the lead."""
    previous: uuid.UUID | None
    next: uuid.UUID | None


def list_address() -> str:
    """Return the address of the list that the request carries."""
    return _address(_read_values())


def lead_address(lead_id: object) -> str:
    """Return the address of a lead, with the list that the request carries."""
    return url_for("desk.lead.show", lead_id=lead_id, list=urlencode(_read_values()) or None)


def find_place(lead: Lead, reader: User) -> Place:
    """Return the lead's place in the list that the request carries; without one, in the overview.

    The way back leads to the page of the list that the reader left, if the lead is on it, else to the page
    that begins with the lead; if the list has it no more, to a neighbour.
    """
    values = _read_values()
    try:
        return _find(lead, reader, values or {OVERVIEW: group_of(lead, reader)})
    except UnprocessableContent:  # the cursor of another list, or a search that the list refuses
        return _find(lead, reader, {OVERVIEW: group_of(lead, reader)})


def _find(lead: Lead, reader: User, values: Mapping[str, str]) -> Place:
    listing, limit = _open_list(values, reader)
    if getattr(lead, listing.order.column) is None:  # among the snoozed, and has no next step any more
        return _find(lead, reader, {OVERVIEW: group_of(lead, reader)})
    before, after = listing.before(lead), listing.after(lead)
    start = listing.cursor_after(before) if before is not None else None
    starts = (None,) if OVERVIEW in values else (values.get("cursor"), start)
    pages = {cursor: _read_ids(listing, limit, cursor) for cursor in starts}
    keys = [lead.id, *(row.id for row in (after, before) if row is not None)]
    marks = ((cursor, key) for key in keys for cursor, on_page in pages.items() if key in on_page)
    cursor, mark = next(marks, (None, None))
    if OVERVIEW in values and mark is None and start is not None:  # walked off the overview
        back = _address({"group": values[OVERVIEW], "cursor": start}, lead.id)
    else:
        back = _address({**values, "cursor": cursor or ""}, mark)
    return Place(urlencode(values), back, before and before.id, after and after.id)


def _open_list(values: Mapping[str, str], reader: User) -> tuple[Listing, int]:
    """Return the list, and how many of its leads a page shows."""
    if OVERVIEW in values:
        group = Group(values[OVERVIEW])
        return list_group(group, reader), overview_limit(group)
    requested = read_list(values)
    if requested.group is not None:
        return list_group(requested.group, reader), PAGE
    return list_matching(requested.query, reader), PAGE


def _read_ids(listing: Listing, limit: int, cursor: str | None) -> set[uuid.UUID]:
    return {row.id for row in listing.page(limit=limit, cursor=cursor, shape=listing.select_keys).items}


def _read_values() -> Mapping[str, str]:
    """Return the list that the request carries, or nothing for one that was cut or written by hand."""
    text = request.args.get("list", "")
    try:
        typed = dict(parse_qsl(text[: MAX_LIST_LENGTH + 1], max_num_fields=MAX_FIELDS))
        if len(text) > MAX_LIST_LENGTH:
            return {}
        if OVERVIEW in typed:
            return {OVERVIEW: Group(typed[OVERVIEW])}
        read_list(typed)
    except (ValueError, UnprocessableContent):
        return {}
    return typed


def _address(values: Mapping[str, str], mark: uuid.UUID | None = None) -> str:
    """Return the address of a list, scrolled to a lead."""
    query = {name: value for name, value in values.items() if value and name != OVERVIEW}
    anchor = f"lead-{mark.hex[-12:]}" if mark else None
    return url_for("desk.queue.show", _anchor=anchor, **query)  # type: ignore[arg-type] # all are text
