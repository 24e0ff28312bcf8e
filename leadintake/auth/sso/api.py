"""Single sign-on: the start and the callback."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, current_app, request, url_for

from leadintake.auth import throttle
from leadintake.auth.actor import current_actor
from leadintake.auth.sessions.devices import any_known_device, remember_device
from leadintake.auth.sso.schemas import SsoAnswer, SsoStart
from leadintake.auth.sso.service import GOOD_FOR, NotAdmitted, sso
from leadintake.core.errors import NotFound, UnprocessableContent
from leadintake.core.http.access import allow_anonymous
from leadintake.core.http.api import Interface, api, validate
from leadintake.core.http.limits import client_limit_key

bp = Blueprint("sso", __name__)


@bp.before_request
def refuse_if_disabled() -> None:
    """Answer 404 unless OIDC_ISSUER is set."""
    if not current_app.config["OIDC_ISSUER"]:
        raise NotFound("Single sign-on is not in use here.")


@bp.get("/session/sso")
@allow_anonymous
@api({303: None}, query=SsoStart, refuses=(404, 503))
def begin(query: SsoStart) -> Response:
    """Redirect the browser to the firm's provider to sign in."""
    address, sealed = sso.begin(query.next, back_to=_back_to())
    response = _go_to(address)
    response.set_cookie(_cookie_name(), sealed, max_age=int(GOOD_FOR.total_seconds()), **_cookie_flags())
    return response


@bp.get("/session/sso/callback")
@allow_anonymous
def come_back() -> Response:
    """Handle the provider's callback. Unknown parameters are ignored (RFC 6749, 4.1.2)."""
    answer, sealed = _answer(), request.cookies.get(_cookie_name(), "")
    journey = sso.journey(answer, sealed)
    # The account is unknown until the end, so failures count for the device or address.
    device = any_known_device() or client_limit_key()
    with throttle.limit_attempt("sso", device, counts=NotAdmitted):
        to = sso.finish(answer, journey, back_to=_back_to())
    response = _go_to(to)
    remember_device(response, current_actor().email)
    return response


come_back.interface = Interface(  # type: ignore[attr-defined] # a mark on a function
    {303: None}, query=SsoAnswer, refuses=(401, 404, 429, 503)
)


@bp.after_request
def forget_journey(response: Response) -> Response:
    """Delete the journey's cookie after the callback, success or not."""
    if request.endpoint == f"{request.blueprint}.{come_back.__name__}":
        response.delete_cookie(_cookie_name(), **_cookie_flags())
    return response


def _answer() -> SsoAnswer:
    parameters = {
        name: request.args.getlist(name) for name in SsoAnswer.__struct_fields__ if name in request.args
    }
    if repeated := {name: ["Give this only once."] for name, values in parameters.items() if len(values) > 1}:
        raise UnprocessableContent(repeated)
    return validate(SsoAnswer, {name: values[0] for name, values in parameters.items()}, strict=False)


def _back_to() -> str:
    """Return the redirect URI, registered at the provider."""
    return f"{current_app.config['PUBLIC_URL'].rstrip('/')}{url_for('.come_back')}"


def _go_to(address: str) -> Response:
    return Response(status=303, headers={"Location": address})


def _cookie_name() -> str:
    return f"{current_app.config['SESSION_COOKIE_NAME']}-sso"


def _cookie_flags() -> dict[str, Any]:
    secure = current_app.config["ENVIRONMENT"] == "production"
    return {"path": "/", "httponly": True, "samesite": "Lax", "secure": secure}
