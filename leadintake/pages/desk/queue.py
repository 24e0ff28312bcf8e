"""The queue: my open leads first, then the others, searched and sorted."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from flask import Blueprint, Response, make_response, render_template, request
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from leadintake.assignment import policy
from leadintake.auth.permissions import Permission
from leadintake.auth.service import auth
from leadintake.auth.session_interface import current
from leadintake.core.access import allow
from leadintake.core.errors import Invalid
from leadintake.leads.models import Lead
from leadintake.leads.queue import MOST_OF_MINE, queue
from leadintake.leads.schemas import FILTERS, LeadFilter, LeadQuery
from leadintake.leads.service import leads
from leadintake.pages.desk.forms import asked

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
    """Show the leads the reader may see, one page of them."""
    wanted = _wanted()
    mine: list[Lead] = []
    if wanted.names():
        page = leads.page(wanted, seen_by=current_user, by=current_user, limit=PAGE, cursor=wanted.cursor)
    else:
        if wanted.cursor is None:
            mine = [*queue.mine(current_user)]
        page = queue.others(wanted, seen_by=current_user, limit=PAGE, cursor=wanted.cursor)
    return make_response(
        render_template(
            "desk/queue.html",
            mine=mine[:MOST_OF_MINE],
            more_of_mine=len(mine) > MOST_OF_MINE,
            page=page,
            wanted=wanted,
            typed={name: value for name, value in request.args.items() if value and name != "cursor"},
            exported=_without_paging(wanted),
            people=auth.everyone() if current_user.may(Permission.READ_USERS) else [],
            sorts=SORTS,
            pulse=queue.pulse(seen_by=current_user),
        )
    )


@bp.get("/pulse")
@allow(Permission.READ_LEADS)
def pulse() -> AnyResponse:
    """Tell whether any lead changed since: 304 while none did."""
    current().unattended = True
    found = queue.pulse(seen_by=current_user)
    response = make_response(render_template("desk/pulse.html", pulse=found))
    response.set_etag(found)
    response.headers["HX-Trigger"] = "leads-changed"
    return response.make_conditional(request)


def _wanted() -> LeadQuery:
    """The filter as it was typed: empty fields mean nothing, days are the firm's. Raises Invalid."""
    days = {
        name: _start_of(request.args[name], name).isoformat()
        for name in ("created_from", UNTIL)
        if request.args.get(name)
    }
    return asked(LeadQuery, **days)


def _start_of(day: str, field: str) -> datetime:
    """The instant at which a day begins; for the last day of a period, at which the next one does."""
    try:
        first = date.fromisoformat(day) + timedelta(days=1 if field == UNTIL else 0)
    except (ValueError, OverflowError) as error:
        raise Invalid({field: ["Choose a day, such as 2026-11-26."]}) from error
    return datetime.combine(first, time(), policy.current().zone())


def _without_paging(wanted: LeadFilter) -> dict[str, str]:
    """The same filter for the export, in the words of its address."""
    given = {name: getattr(wanted, name) for name in (*FILTERS, "sort")}
    return {
        name: value.isoformat() if isinstance(value, datetime) else str(value)
        for name, value in given.items()
        if value is not None
    }
