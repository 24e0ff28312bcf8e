"""Acts on many leads of the list: what will happen, then what was done."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from urllib.parse import parse_qsl

from flask import Blueprint, flash, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from leadintake.auth.actor import current_actor
from leadintake.auth.permissions import Permission
from leadintake.auth.service import auth
from leadintake.core.db.transaction import commits_itself
from leadintake.core.errors import Forbidden, Refusal, UnprocessableContent
from leadintake.core.http.access import allow
from leadintake.core.http.api import validate
from leadintake.desk.filters import read_list
from leadintake.desk.forms import redirect_with_reasons
from leadintake.desk.place import list_address
from leadintake.leads.bulk.acts import RESTORE
from leadintake.leads.bulk.digest import MAX_ALERTS
from leadintake.leads.bulk.schemas import MAX_LEADS, BulkItem, BulkRequest
from leadintake.leads.bulk.service import bulk

bp = Blueprint("bulk", __name__, url_prefix="/leads/bulk")
ACTS = ("assign", "delete", "outcome", "tags", "note")
"""Acts of the page. What an act needs is the field `{act}_value`."""
UNASSIGNED = "nobody"
"""Value of the choice to take leads from their attorneys."""
MISSING = {
    "assign": "Choose who shall have them.",
    "outcome": "Choose the outcome.",
    "note": "Write the note.",
}
"""What is said where the member of an act is empty."""
MAX_NAMED = 5
"""Leads that one reason of a refusal names."""


@bp.post("")
@allow(Permission.UPDATE_LEADS)
def ask() -> AnyResponse:
    """Show what will happen to the ticked leads, or to all that fit the list, and ask."""
    if request.form.get("everything"):
        requested = read_list(dict(parse_qsl(request.args.get("list", ""))))
        if requested.group:
            raise UnprocessableContent({"lead": ["Select leads of this group, page by page."]})
        keys = bulk.find_ids(requested.query, actor=current_actor())
    else:
        keys = request.form.getlist("lead") or request.form.get("ids", "").split()
    if not keys:
        flash("Select some leads first.", "problem")
        return redirect(list_address(), 303)
    try:
        wanted = _read_request(keys)
    except UnprocessableContent as refusal:
        return _ask_again(keys, refusal)
    counts = bulk.count_by_owner(keys, reader=current_actor())
    page = render_template(
        "desk/bulk.html",
        wanted=wanted,
        person=_name_of(wanted.user_id),
        typed=_typed(wanted.act),
        keys=keys,
        counts=counts,
        total=sum(counts.values()),
        foreign=bulk.count_refused(wanted.act, keys, actor=current_actor()),
        back=list_address(),
        MAX_ALERTS=MAX_ALERTS,
    )
    return make_response(page)


@bp.post("/done")
@commits_itself
@allow(Permission.UPDATE_LEADS)
def do() -> AnyResponse:
    """Do it, and show what was done."""
    keys = request.form.get("ids", "").split()
    try:
        wanted = _read_request(keys)
    except UnprocessableContent as refusal:
        return _ask_again(keys, refusal)
    items = bulk.run(wanted, actor=current_actor())
    done = [item.id for item in items if item.detail is None]
    page = render_template(
        "desk/bulk_done.html",
        wanted=wanted,
        person=_name_of(wanted.user_id),
        done=done,
        refusals=_group_refusals(items),
        back=list_address(),
    )
    return make_response(page)


@bp.post("/restored")
@commits_itself
@allow(Permission.DELETE_LEADS)
def restore() -> AnyResponse:
    """Restore the leads that were just deleted."""
    wanted = validate(
        BulkRequest, {"act": "delete", "ids": request.form.get("ids", "").split()}, strict=False
    )
    items = bulk.do(RESTORE, wanted.ids or [], wanted, actor=current_actor())
    number = sum(item.detail is None for item in items)
    flash(f"{number} restored." if number == len(items) else f"{number} of {len(items)} restored.")
    return redirect(list_address(), 303)


@bp.errorhandler(Forbidden)
@bp.errorhandler(UnprocessableContent)
def show_refusal(refusal: Refusal) -> AnyResponse:
    """Show why it was refused, on the list."""
    return redirect_with_reasons(refusal, list_address())


def _ask_again(keys: Sequence[str], refusal: UnprocessableContent) -> AnyResponse:
    """Show why it was refused, with the same leads and what was typed. Raises it for other forms."""
    act = request.form.get("act", "")
    if act not in ACTS or not 0 < len(keys) <= MAX_LEADS:
        raise refusal
    page = render_template(
        "desk/bulk_refused.html",
        act=act,
        keys=keys,
        reasons=" ".join(reason for found in (refusal.errors or {}).values() for reason in found),
        typed=_typed(act),
        people=auth.everyone() if current_actor().may(Permission.READ_USERS) else [],
        back=list_address(),
    )
    return make_response(page, refusal.status)


def _typed(act: str) -> str:
    return request.form.get(f"{act}_value", "").strip()


def _read_request(keys: Sequence[str]) -> BulkRequest:
    """Return the request of the form. Raises UnprocessableContent."""
    act = request.form.get("act", "")
    if len(keys) > MAX_LEADS:
        raise UnprocessableContent({"ids": [f"Select {MAX_LEADS} leads at most, and do it in parts."]})
    return validate(BulkRequest, {"act": act, "ids": keys, **_read_members(act)}, strict=False)


def _read_members(act: str) -> dict[str, object]:
    """Return the members of the act, as they were filled in. Raises UnprocessableContent."""
    typed = _typed(act)
    if act in MISSING and not typed:
        raise UnprocessableContent({act: [MISSING[act]]})
    match act:
        case "assign":
            return {"user_id": None if typed == UNASSIGNED else typed}
        case "tags":
            return {"tags": [tag for tag in typed.split(",") if tag.strip()]}
        case "outcome":
            return {"outcome": typed}
        case "note":
            return {"text": typed}
    return {}


def _name_of(user_id: object) -> str:
    user = auth.get(user_id) if isinstance(user_id, uuid.UUID) else None
    return user.name if user else UNASSIGNED


def _group_refusals(items: Sequence[BulkItem]) -> list[tuple[str, int, str]]:
    """Return each reason with the number of leads, and some of their keys."""
    keys_by_reason = defaultdict(list)
    for item in items:
        if item.detail is not None:
            keys_by_reason[item.detail].append(item.id)
    return [(reason, len(keys), ", ".join(keys[:MAX_NAMED])) for reason, keys in keys_by_reason.items()]
