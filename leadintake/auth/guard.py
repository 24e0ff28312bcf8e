"""The guard of all internal routes and the desk: deny by default."""

from __future__ import annotations

import contextlib
from typing import Any
from urllib.parse import urlsplit

from flask import current_app, g, request
from flask_login import current_user
from flask_wtf.csrf import CSRFError, CSRFProtect, validate_csrf
from itsdangerous import BadSignature, URLSafeTimedSerializer
from wtforms import ValidationError

from leadintake.audit.origin import note_credential
from leadintake.audit.service import audit
from leadintake.auth.actor import current_actor
from leadintake.auth.mfa.factors import SecondFactorRequired, factors
from leadintake.auth.permissions import Permission
from leadintake.auth.sessions.interface import current, raise_read_failure
from leadintake.core.db.database import SAFE_METHODS
from leadintake.core.errors import Forbidden, Refusal
from leadintake.core.http import bodies
from leadintake.core.http.access import SIGNED_IN

csrf = CSRFProtect()


class Forged(Refusal):
    """Possible cross-site request. Not a Forbidden, which desk pages turn into a redirect."""

    status = 403
    title = "Forbidden"


class StaleToken(Forged):
    """The CSRF token is missing, or of another session."""


class SignInFirst(Refusal):
    """No user is signed in."""

    status = 401
    title = "Not signed in"


def guard() -> None:
    """Check in order: mark (core/http/access.py), sign-in, second factor, permission, origin, CSRF token.

    A bearer token skips second factor, origin and CSRF token, and is refused on a user's own account. Public
    views check only mark and origin.
    """
    raise_read_failure()
    view = current_app.view_functions[request.endpoint or ""]
    if not hasattr(view, "permission"):
        raise Forbidden("This address has no rule that lets anybody in.")
    if view.permission is None:
        _refuse_foreign_pages()
        return
    if not current_user.is_authenticated:
        raise SignInFirst(
            "Please sign in: POST /internal/session with your e-mail and password.",
            page="Please sign in first.",
        )
    user = current_actor()
    bodies.count_for_person(user.id)
    by_token = _record_credential()
    if not by_token and factors.is_required_for(user) and not _is_factor_settled(view):
        raise SecondFactorRequired
    if view.permission != SIGNED_IN and not user.may(Permission(view.permission)):
        audit.record_refusal("access.refused", actor=user, endpoint=request.endpoint)
        raise Forbidden("Your role does not include this. A manager or an administrator can help.")
    if by_token:
        if view.permission == SIGNED_IN:
            raise Forbidden(
                "This is about somebody's own account, which no program changes. Sign in instead."
            )
        return  # browsers never add bearer tokens by themselves, so CSRF is impossible
    _refuse_foreign_pages()
    try:
        csrf.protect()
    except CSRFError as error:
        if not _has_earlier_key():
            raise StaleToken(
                "Send the csrf_token of your session in the header X-CSRFToken.",
                page="This page was out of date, so nothing was done. Please load it again.",
            ) from error


def _record_credential() -> bool:
    """Note session or API token for the audit trail; return whether it is a token."""
    row = current().row
    if "api_token" in g:
        note_credential("token", g.api_token)
    elif row is not None:
        note_credential("session", row.id)
    return "api_token" in g


def _is_factor_settled(view: Any) -> bool:
    """Return whether the session verified a second factor or the view needs none."""
    row = current().row
    return view.with_password_alone or (row is not None and row.second_factor)


def _has_earlier_key() -> bool:
    """Return whether the CSRF token is signed with a key of SECRET_KEY_FALLBACKS."""
    sent = request.headers
    token = sent.get("X-CSRFToken") or sent.get("X-CSRF-Token") or request.form.get("csrf_token")
    for key in current_app.config["SECRET_KEY_FALLBACKS"]:
        with contextlib.suppress(ValidationError):
            validate_csrf(token, secret_key=key)
            return True
    return False


def comes_from_this_site() -> bool | None:
    """Return whether a page of this site sent the request; None for a client that tells nothing of it.

    Uses the first header present of Sec-Fetch-Site (Fetch Metadata), Origin (RFC 6454), Referer.
    """
    site = request.headers.get("Sec-Fetch-Site")
    source = request.headers.get("Origin", request.headers.get("Referer"))
    if site is not None:
        return site in {"same-origin", "none"}
    own_origins = {_origin_of(current_app.config["PUBLIC_URL"]), _origin_of(request.host_url)}
    return None if source is None else _origin_of(source) in own_origins


def has_token_of_any_session() -> bool:
    """Return whether the form carries a CSRF token that was made here, for whichever session."""
    secrets = [current_app.config["SECRET_KEY"], *current_app.config["SECRET_KEY_FALLBACKS"]]
    for secret in secrets:
        with contextlib.suppress(BadSignature):
            URLSafeTimedSerializer(secret, salt="wtf-csrf-token").loads(request.form.get("csrf_token", ""))
            return True
    return False


def _refuse_foreign_pages() -> None:
    """Refuse unsafe requests from pages of other sites. A client that tells nothing is no browser."""
    if request.method not in SAFE_METHODS and comes_from_this_site() is False:
        raise Forged(
            "This request comes from a page of another site.",
            page="A page of another site asked for this, so nothing was done.",
        )


def _origin_of(address: str) -> tuple[str, str]:
    """Return scheme, and host without default port; an unparsable address as it is."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return "", address
    usual = {"http": ":80", "https": ":443"}.get(parts.scheme, "")
    return parts.scheme, parts.netloc.lower().removesuffix(usual)
