"""The queue: leads in groups, and lists of those that match filters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flask import Blueprint, Response, make_response, render_template, request

from leadintake.auth.actor import current_actor
from leadintake.auth.permissions import Permission
from leadintake.auth.service import auth
from leadintake.core.db.pagination import Page
from leadintake.core.http.access import allow
from leadintake.desk.chips import AGES, FURTHER, list_chips, list_choices
from leadintake.desk.filters import ListRequest, read_filter, read_list
from leadintake.desk.place import PAGE
from leadintake.desk.polling import mark_unattended, respond_to_poll
from leadintake.leads.files import send_csv, sheet_lines_of
from leadintake.leads.groups import Group, count_groups
from leadintake.leads.models import Lead
from leadintake.leads.queue import Section, queue
from leadintake.leads.service import leads
from leadintake.leads.tags import service as tags
from leadintake.leads.views.reads import find_unread
from leadintake.leads.views.service import views

bp = Blueprint("queue", __name__)
SORTS = {
    "-created_at": "Newest first",
    "created_at": "Oldest first",
    "-updated_at": "Changed last",
    "last_name": "Last name",
    "email": "E-mail",
    "status": "State",
}
GROUPS = {
    Group.DUE: "Due",
    Group.WAITING: "Waiting",
    Group.SNOOZED: "Snoozed",
    Group.COLLEAGUES: "With colleagues",
    Group.DONE: "Done",
}
HINTS = {
    Group.DUE: "Yours to reach out to, or their next step has come",
    Group.WAITING: "No attorney has them yet",
    Group.SNOOZED: "Yours, until their next step comes",
    Group.COLLEAGUES: "Not reached yet",
    Group.DONE: "Reached, or with an outcome",
}


@bp.get("")
@allow(Permission.READ_LEADS)
def show() -> Response:
    """Show a page of the leads visible to the reader."""
    mark_unattended("queue")
    requested = read_list(request.args)
    counts = count_groups(current_actor())
    sections, page = _read_leads(requested, counts)
    on_page = page.items if page else [lead for section in sections for lead in section.page.items]
    people = auth.everyone() if current_actor().may(Permission.READ_USERS) else []
    return make_response(
        render_template(
            "desk/queue.html",
            sections=sections,
            page=page,
            counts=counts,
            groups=GROUPS,
            hints=HINTS,
            requested=requested,
            unread=find_unread(on_page, current_actor()),
            typed={name: value for name, value in requested.values.items() if name != "cursor"},
            people=people,
            chips=list_chips(requested, people),
            ages=AGES,
            choices=list_choices(requested, tags=_suggest_tags()),
            further=any(requested.values.get(name) for name in FURTHER),
            views=views.list_own(current_actor()),
            sorts=SORTS,
            pulse=queue.pulse(reader=current_actor(), counts=counts),
        )
    )


@bp.get("/pulse")
@allow(Permission.READ_LEADS)
def pulse() -> Response:
    """Respond 304 while no visible lead has changed, and no next step has come."""
    mark_unattended()
    return respond_to_poll("desk/pulse.html", queue.pulse(reader=current_actor()), "leads-changed")


@bp.get("/leads.csv")
@allow(Permission.READ_LEADS)
def export() -> Response:
    """Send the leads of the list as a file for Excel."""
    wanted = read_filter(request.args)
    return send_csv(sheet_lines_of(leads.iterate(wanted, reader=current_actor(), actor=current_actor())))


def _read_leads(
    requested: ListRequest, counts: Mapping[Group, int]
) -> tuple[list[Section], Page[Lead] | None]:
    """Return the sections of the overview, or the page of one list."""
    reader, cursor = current_actor(), requested.query.cursor
    if requested.is_flat:
        return [], leads.page(requested.query, reader=reader, actor=reader, limit=PAGE, cursor=cursor)
    if requested.group is not None:
        return [], queue.page(requested.group, actor=reader, limit=PAGE, cursor=cursor)
    return queue.overview(counts, actor=reader), None


def _suggest_tags() -> Sequence[str]:
    """Return the tags of the form, which is not drawn where a page renews its list alone."""
    is_list_alone = request.headers.get("HX-Target") == "queue"
    return [] if is_list_alone else tags.suggest(reader=current_actor())
