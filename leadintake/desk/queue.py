"""The queue: own open leads, then the others."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from flask import Blueprint, Response, make_response, render_template, request

from leadintake.auth.actor import current_actor
from leadintake.auth.permissions import Permission
from leadintake.auth.service import auth
from leadintake.core.errors import UnprocessableContent
from leadintake.core.http.access import allow
from leadintake.desk.forms import parse_query
from leadintake.desk.polling import mark_unattended, respond_to_poll
from leadintake.desk.words import reader_zone
from leadintake.leads.models import Lead
from leadintake.leads.queue import MAX_OWN, queue
from leadintake.leads.schemas import FILTERS, LeadFilter, LeadQuery
from leadintake.leads.service import leads

bp = Blueprint("queue", __name__)
PAGE = 25
SORTS = {
    "-created_at": "Newest first",
    "created_at": "Oldest first",
    "-updated_at": "Changed last",
    "last_name": "Last name",
    "email": "E-mail",
    "status": "State",
}
UNTIL = "created_to"


@bp.get("")
@allow(Permission.READ_LEADS)
def show() -> Response:
    """Show a page of the leads visible to the reader."""
    mark_unattended("queue")
    wanted = _read_filter()
    own_leads: list[Lead] = []
    if wanted.names():
        page = leads.page(
            wanted, reader=current_actor(), actor=current_actor(), limit=PAGE, cursor=wanted.cursor
        )
    else:
        if wanted.cursor is None:
            own_leads = [*queue.list_own(current_actor())]
        page = queue.page_others(wanted, actor=current_actor(), limit=PAGE, cursor=wanted.cursor)
    return make_response(
        render_template(
            "desk/queue.html",
            mine=own_leads[:MAX_OWN],
            more_of_mine=len(own_leads) > MAX_OWN,
            page=page,
            wanted=wanted,
            typed={name: value for name, value in request.args.items() if value and name != "cursor"},
            exported=_without_paging(wanted),
            people=auth.everyone() if current_actor().may(Permission.READ_USERS) else [],
            sorts=SORTS,
            pulse=queue.pulse(reader=current_actor()),
        )
    )


@bp.get("/pulse")
@allow(Permission.READ_LEADS)
def pulse() -> Response:
    """Respond 304 while no visible lead has changed."""
    mark_unattended()
    return respond_to_poll("desk/pulse.html", queue.pulse(reader=current_actor()), "leads-changed")


def _read_filter() -> LeadQuery:
    """Read the filter. Days are in the reader's time zone. Raises UnprocessableContent."""
    days = {
        name: _start_of(request.args[name], name).isoformat()
        for name in ("created_from", UNTIL)
        if request.args.get(name)
    }
    return parse_query(LeadQuery, **days)


def _start_of(day: str, field: str) -> datetime:
    """Return the start of a day, or for UNTIL of the next day."""
    try:
        first = date.fromisoformat(day) + timedelta(days=1 if field == UNTIL else 0)
    except (ValueError, OverflowError) as error:
        raise UnprocessableContent({field: ["Choose a day, such as 2026-11-26."]}) from error
    return datetime.combine(first, time(), reader_zone())


def _without_paging(filters: LeadFilter) -> dict[str, str]:
    """Return the filter as the export's query string."""
    values = {name: getattr(filters, name) for name in (*FILTERS, "sort")}
    return {
        name: value.isoformat() if isinstance(value, datetime) else str(value)
        for name, value in values.items()
        if value is not None
    }
