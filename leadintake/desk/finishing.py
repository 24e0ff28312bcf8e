"""Acts that met an ended session: kept, shown after signing in, and done only by that page's own button.

1. A form of the desk meets an ended session, or carries the CSRF token of another session.
2. Only if a page of this site sent it, with a token made here, the form is sealed into the address of this
   module's page; nothing is stored. (A program can claim to be a page, and send somebody a link to its own
   act.) Forms with passwords or codes are not kept.
3. After signing in, by whatever method, that page shows the act, who began it, and who is signed in now.
4. Its button posts the form anew, with a token of the session that is signed in: the guard and the act's own
   rules decide as always.
"""

from __future__ import annotations

from datetime import timedelta

import msgspec
from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from leadintake.auth.guard import (
    SignInFirst,
    StaleToken,
    comes_from_this_site,
    has_token_of_any_session,
)
from leadintake.core.clock import now
from leadintake.core.crypto import Unreadable, seal, unseal
from leadintake.core.db.database import SAFE_METHODS
from leadintake.core.errors import answer_to
from leadintake.core.http.access import allow
from leadintake.desk.act_words import TEXTS, list_visible, name_of, title_of_act

bp = Blueprint("finishing", __name__)
PURPOSE = "unfinished act"
GOOD_FOR = timedelta(minutes=30)
MAX_BYTES = 1_800
"""Of an act: sealed twice it fits a cookie of 4 KB, which single sign-on takes along."""
SECRETS = {"password", "current_password", "new_password", "otp", "code", "step"}
OF_THE_PAGE = {"csrf_token", "signer"}
"""Fields that a page of its own replaces."""
ACTS = {
    "desk.new_lead.enter": "Add a lead",
    "desk.bulk.ask": "Choose what happens to several leads",
    "desk.bulk.do": "Do one thing to several leads",
    "desk.bulk.restore": "Restore several leads",
    "desk.lead.reach_out": "Mark the lead as reached out",
    "desk.lead.reopen": "Undo “reached out”",
    "desk.lead.take": "Take the lead",
    "desk.lead.assign": "Hand the lead over",
    "desk.lead.decline": "Decline the lead",
    "desk.lead.delete": "Delete the lead",
    "desk.notes.add": "Save a note",
    "desk.notes.change": "Change a note",
    "desk.notes.delete": "Delete a note",
    "desk.contacts.add": "Record a contact",
    "desk.work.end": "Set the outcome of a lead",
    "desk.work.follow_up": "Plan the next step of a lead",
    "desk.work.tag": "Change the tags of a lead",
    "desk.replies.send": "Send the reply",
    "desk.replies.undo": "Take the reply back",
    "desk.reply_templates.create": "Create the template",
    "desk.reply_templates.change": "Change the template",
    "desk.reply_templates.delete": "Delete the template",
    "desk.deleted.restore": "Restore a deleted lead",
    "desk.screens.screen": "Hide the lead from somebody",
    "desk.screens.lift": "Show the lead to somebody again",
    "desk.absences.set_away": "Set an absence",
    "desk.absences.end": "End an absence",
    "desk.absences.undo": "Undo an absence",
    "desk.quarantine.release": "Release a submission from quarantine",
    "desk.quarantine.discard": "Discard a submission in quarantine",
    "desk.messages.retry": "Send a message again",
    "desk.messages.retry_all_failed": "Send the failed messages again",
    "desk.people.invite": "Invite a person",
    "desk.people.change": "Change a person",
    "desk.people.invite_again": "Send an invitation again",
    "desk.views.save": "Save a view of the list",
    "desk.views.rename": "Rename a view of the list",
    "desk.views.delete": "Delete a view of the list",
    "desk.account.choose_time_zone": "Choose a time zone",
    "desk.account.choose_preferences": "Choose mails and keys",
    "desk.account.sign_out_everywhere": "Sign out everywhere else",
}
"""What each act is called on the page. An act that is not here is not kept."""


class Act(msgspec.Struct):
    """A form of the desk, as it was sent."""

    endpoint: str
    path: str
    fields: list[tuple[str, str]]
    signer: str
    until: float
    files: list[str] = []
    """Names of the fields that had a file, which is chosen again."""


def keep_act(refusal: SignInFirst | StaleToken) -> AnyResponse:
    """Redirect a form to where it can be finished; answer other requests with the refusal."""
    is_form = request.method not in SAFE_METHODS and "HX-Request" not in request.headers
    if not is_form or not comes_from_this_site() or not has_token_of_any_session():
        return answer_to(refusal)
    sealed = _seal_act()
    if not sealed and _may_show():
        return _show_long_act(refusal)
    address = sealed or url_for("desk.queue.show")
    if isinstance(refusal, SignInFirst):
        address = url_for("desk.signing_in.ask", next=address, ended=1)
    return redirect(address, 303)


@bp.get("/finish")
@allow(with_password_alone=True)
def show() -> AnyResponse:
    """Show an act that was kept, and ask; without one, say that it cannot be finished."""
    act = _unseal_act(request.args.get("act", ""))
    page = render_template(
        "desk/finish.html",
        act=act,
        title=title_of_act(ACTS[act.endpoint], act.fields) if act else "",
        visible=list_visible(act.fields) if act else [],
        signer=name_of(act.signer) if act else "",
    )
    return make_response(page)


def _show_long_act(refusal: SignInFirst | StaleToken) -> AnyResponse:
    """Answer with what was typed, to be sent again after signing in elsewhere; nothing is stored."""
    is_signed_in = isinstance(refusal, StaleToken)
    typed = [pair for pair in request.form.items(multi=True) if not (is_signed_in and pair[0] in OF_THE_PAGE)]
    visible = list_visible(typed)
    texts = [(name, label, value) for name, label, value in visible if name in TEXTS]
    editable = {name for name, _, _ in texts}
    page = render_template(
        "desk/unfinished.html",
        title=title_of_act(ACTS[request.endpoint or ""], typed),
        path=request.full_path.rstrip("?"),
        signer=name_of(request.form.get("signer", "")),
        files=_list_files(),
        hidden=[(name, value) for name, value in typed if name not in editable],
        choices=[(label, words) for name, label, words in visible if name not in editable],
        texts=texts,
    )
    return make_response(page, refusal.status)


def _may_show() -> bool:
    """Return whether the form is kept in principle: then its texts are too long for an address."""
    return request.endpoint in ACTS and not SECRETS & set(request.form)


def _list_files() -> list[str]:
    return [name for name, file in request.files.items() if file.filename]


def _seal_act() -> str:
    """Return the address of the page that finishes this request's form; empty if it is not kept."""
    fields = [
        (name, value)
        for name, value in request.form.items(multi=True)
        if name not in {"csrf_token", "signer"}
    ]
    if not _may_show():
        return ""
    for path in (request.full_path.rstrip("?"), request.path):  # with the list of the lead, if it fits
        signer, until = request.form.get("signer", ""), (now() + GOOD_FOR).timestamp()
        content = msgspec.json.encode(Act(request.endpoint or "", path, fields, signer, until, _list_files()))
        if len(content) <= MAX_BYTES:
            return url_for("desk.finishing.show", act=seal(PURPOSE, content.decode()))
    return ""


def _unseal_act(sealed: str) -> Act | None:
    try:
        act = msgspec.json.decode(unseal(PURPOSE, sealed), type=Act)
    except Unreadable:
        return None
    return act if act.until >= now().timestamp() else None
