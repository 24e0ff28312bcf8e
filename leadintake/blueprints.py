"""The parents of every route that serves the firm: `public` is open, `internal` and `desk` are shut."""

from __future__ import annotations

import contextlib
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Flask, current_app, g, redirect, request, url_for
from flask_login import current_user
from flask_wtf.csrf import CSRFError, validate_csrf
from werkzeug.wrappers import Response
from wtforms import ValidationError

from leadintake.assignment.internal import bp as absences
from leadintake.audit.internal import bp as trail
from leadintake.audit.origin import came_by
from leadintake.audit.service import audit
from leadintake.auth import csrf
from leadintake.auth.factors import MoreWanted, factors
from leadintake.auth.internal import bp as session
from leadintake.auth.internal_account import bp as account
from leadintake.auth.internal_passkeys import bp as passkeys
from leadintake.auth.internal_sso import bp as sso
from leadintake.auth.internal_users import bp as users
from leadintake.auth.permissions import Permission
from leadintake.auth.session_interface import current, refuse_unknown
from leadintake.core import headers
from leadintake.core.access import SIGNED_IN
from leadintake.core.database import SAFE_METHODS
from leadintake.core.errors import Forbidden, Refusal, answer_to
from leadintake.core.http import bodies
from leadintake.leads.files import bp as lead_files
from leadintake.leads.internal import bp as internal_leads
from leadintake.leads.internal_quarantine import bp as quarantine
from leadintake.leads.internal_report import bp as report
from leadintake.leads.internal_screens import bp as screens
from leadintake.leads.public import bp as public_leads
from leadintake.leads.public_challenge import bp as challenge
from leadintake.notifications.internal import bp as outbox
from leadintake.pages.desk import ROOMS as PAGES
from leadintake.pages.desk.forms import say_why_not

public = Blueprint("public", __name__, url_prefix="/public")
internal = Blueprint("internal", __name__, url_prefix="/internal")
desk = Blueprint("desk", __name__, url_prefix="/desk")
"""Pages over the verbs of `internal`, behind the same guard."""

public.register_blueprint(public_leads)
public.register_blueprint(challenge)
for room in (
    session, account, passkeys, sso, users, absences, internal_leads, lead_files, screens, quarantine, report,
    outbox, trail,
):  # fmt: skip
    internal.register_blueprint(room)

for pages in PAGES:
    desk.register_blueprint(pages)

public.after_request(headers.let_embedders_in)


class Forged(Refusal):
    """A page of another site may have sent it. Unlike a rule's Forbidden, no page of the desk takes it up."""

    status = 403
    title = "Forbidden"


class SignInFirst(Refusal):
    """Nobody is signed in here."""

    status = 401
    title = "Not signed in"


def init_app(app: Flask) -> None:
    """Open the doors."""
    app.register_blueprint(public)
    app.register_blueprint(internal)
    app.register_blueprint(desk)


@desk.before_request
@internal.before_request
def guard() -> None:
    """Ask for a mark on the view, a session, the permission and the CSRF token, in this order."""
    refuse_unknown()
    view = current_app.view_functions[request.endpoint or ""]
    if not hasattr(view, "permission"):
        raise Forbidden("This address has no rule that lets anybody in.")
    if view.permission is None:
        _refuse_foreign_pages()
        return
    if not current_user.is_authenticated:
        raise SignInFirst("Please sign in: POST /internal/session with your e-mail and password.")
    bodies.count_for_person(current_user.id)
    by_token = _note_way_in()
    if not by_token and factors.required_of(current_user) and not _may_wait(view):
        raise MoreWanted
    if view.permission != SIGNED_IN and not current_user.may(Permission(view.permission)):
        audit.record_refusal("access.refused", by=current_user, endpoint=request.endpoint)
        raise Forbidden("Your role does not include this. A manager or an administrator can help.")
    if by_token:
        if view.permission == SIGNED_IN:
            raise Forbidden(
                "This is about somebody's own account, which no program changes. Sign in instead."
            )
        return  # no browser sends a token by itself, so no page can make it
    _refuse_foreign_pages()
    try:
        csrf.protect()
    except CSRFError as error:
        if not _signed_with_an_earlier_key():
            raise Forged("Send the csrf_token of your session in the header X-CSRFToken.") from error


@desk.errorhandler(SignInFirst)
def show_the_way_in(refusal: SignInFirst) -> Response:
    """Send a person to the page that lets them in; what a page asks for by itself gets the error."""
    if request.method not in SAFE_METHODS or "HX-Request" in request.headers:
        return answer_to(refusal)
    wanted = request.full_path.rstrip("?")
    return redirect(url_for("desk.signing_in.ask", next=wanted), 303)


@desk.errorhandler(MoreWanted)
def show_the_second_factor(refusal: MoreWanted) -> Response:
    """Send a person to the page where they set up what their role needs."""
    return say_why_not(refusal, "")


def _note_way_in() -> bool:
    """Tell the audit trail how this request came in; return whether by an API token."""
    row = current().row
    if "api_token" in g:
        came_by("token", g.api_token)
    elif row is not None:
        came_by("session", row.id)
    return "api_token" in g


def _may_wait(view: Any) -> bool:
    """Whether a second factor was proved, or this view is for those who have not yet."""
    row = current().row
    return view.with_password_alone or (row is not None and row.second_factor)


def _signed_with_an_earlier_key() -> bool:
    """Whether the token is this session's, under a key of SECRET_KEY_FALLBACKS."""
    sent = request.headers
    token = sent.get("X-CSRFToken") or sent.get("X-CSRF-Token") or request.form.get("csrf_token")
    for key in current_app.config["SECRET_KEY_FALLBACKS"]:
        with contextlib.suppress(ValidationError):
            validate_csrf(token, secret_key=key)
            return True
    return False


def _refuse_foreign_pages() -> None:
    """Refuse unsafe requests that a browser says come from another site.

    By the first of these headers that is there: Sec-Fetch-Site (Fetch Metadata), Origin (RFC 6454), Referer.
    Where there is none, it is no browser's.
    """
    if request.method in SAFE_METHODS:
        return
    site = request.headers.get("Sec-Fetch-Site")
    source = request.headers.get("Origin", request.headers.get("Referer"))
    if site is not None:
        foreign = site not in {"same-origin", "none"}
    else:
        ours = {_origin_of(current_app.config["PUBLIC_URL"]), _origin_of(request.host_url)}
        foreign = source is not None and _origin_of(source) not in ours
    if foreign:
        raise Forged("This request comes from a page of another site.")


def _origin_of(address: str) -> tuple[str, str]:
    """Scheme and host, without the usual port, or the address itself where it has none that could be read."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return "", address
    usual = {"http": ":80", "https": ":443"}.get(parts.scheme, "")
    return parts.scheme, parts.netloc.lower().removesuffix(usual)
