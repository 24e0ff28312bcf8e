"""The queue: own open leads, then the others."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Blueprint, Response, make_response, render_template, request

from leadintake.auth.actor import current_actor
from leadintake.auth.permissions import Permission
from leadintake.auth.service import auth
from leadintake.core.http.access import allow
from leadintake.desk.place import PAGE, read_filter
from leadintake.desk.polling import mark_unattended, respond_to_poll
from leadintake.leads.files import send_csv, sheet_lines_of
from leadintake.leads.models import Lead
from leadintake.leads.queue import MAX_OWN, queue
from leadintake.leads.service import leads
from leadintake.leads.views.reads import find_unread

bp = Blueprint("queue", __name__)
SORTS = {
    "-created_at": "Newest first",
    "created_at": "Oldest first",
    "-updated_at": "Changed last",
    "last_name": "Last name",
    "email": "E-mail",
    "status": "State",
}


@bp.get("")
@allow(Permission.READ_LEADS)
def show() -> Response:
    """Show a page of the leads visible to the reader."""
    mark_unattended("queue")
    wanted = read_filter(request.args)
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
            unread=find_unread([*own_leads, *page.items], current_actor()),
            mine=own_leads[:MAX_OWN],
            more_of_mine=len(own_leads) > MAX_OWN,
            page=page,
            wanted=wanted,
            typed={name: value for name, value in request.args.items() if value and name != "cursor"},
            list_query=urlencode(request.args) or None,
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


@bp.get("/leads.csv")
@allow(Permission.READ_LEADS)
def export() -> Response:
    """Send the leads of the list as a file for Excel."""
    wanted = read_filter(request.args)
    return send_csv(sheet_lines_of(leads.iterate(wanted, reader=current_actor(), actor=current_actor())))
