"""Single sign-on: two addresses that browsers open, there and back."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, current_app, request, url_for
from flask_login import current_user

from leadintake.auth import throttle
from leadintake.auth.devices import any_known_device, remember_device
from leadintake.auth.proofs import SsoAnswer, SsoStart
from leadintake.auth.sso import GOOD_FOR, NotAdmitted, sso
from leadintake.core.access import anyone
from leadintake.core.api import Interface, judge, speaks
from leadintake.core.errors import Invalid, NotFound
from leadintake.core.limits import client_counted

bp = Blueprint("sso", __name__)


@bp.before_request
def refuse_where_off() -> None:
    """Answer like an address that is not there, unless OIDC_ISSUER is set."""
    if not current_app.config["OIDC_ISSUER"]:
        raise NotFound("Single sign-on is not in use here.")


@bp.get("/session/sso")
@anyone
@speaks({303: None}, query=SsoStart, refuses=(404, 503))
def begin(query: SsoStart) -> Response:
    """Sign in at the firm's provider: to be opened in a browser, which comes back signed in."""
    address, sealed = sso.begin(query.next, back_to=_back_to())
    response = _go_to(address)
    response.set_cookie(_cookie_name(), sealed, max_age=int(GOOD_FOR.total_seconds()), **_cookie_flags())
    return response


@bp.get("/session/sso/callback")
@anyone
def come_back() -> Response:
    """Come back from the provider; whatever else it adds to the address is ignored (RFC 6749, 4.1.2)."""
    answer, sealed = _answer(), request.cookies.get(_cookie_name(), "")
    journey = sso.journey(answer, sealed)
    # Whose sign-in it is shows only at its end: failures count for the device, or the place they come from.
    device = any_known_device() or client_counted()
    with throttle.attempting("sso", device, counts=NotAdmitted):
        to = sso.finish(answer, journey, back_to=_back_to())
    response = _go_to(to)
    remember_device(response, current_user.email)
    return response


come_back.interface = Interface(  # type: ignore[attr-defined] # a mark on a function
    {303: None}, query=SsoAnswer, refuses=(401, 404, 429, 503)
)


@bp.after_request
def forget_journey(response: Response) -> Response:
    """Take the journey's cookie back at its end, however it ended."""
    if request.endpoint == f"{request.blueprint}.{come_back.__name__}":
        response.delete_cookie(_cookie_name(), **_cookie_flags())
    return response


def _answer() -> SsoAnswer:
    known = {name: request.args.getlist(name) for name in SsoAnswer.__struct_fields__ if name in request.args}
    if repeated := {name: ["Give this only once."] for name, values in known.items() if len(values) > 1}:
        raise Invalid(repeated)
    return judge(SsoAnswer, {name: values[0] for name, values in known.items()}, strict=False)


def _back_to() -> str:
    """The address the provider sends browsers back to, which is registered there."""
    return f"{current_app.config['PUBLIC_URL'].rstrip('/')}{url_for('.come_back')}"


def _go_to(address: str) -> Response:
    return Response(status=303, headers={"Location": address})


def _cookie_name() -> str:
    return f"{current_app.config['SESSION_COOKIE_NAME']}-sso"


def _cookie_flags() -> dict[str, Any]:
    secure = current_app.config["ENVIRONMENT"] == "production"
    return {"path": "/", "httponly": True, "samesite": "Lax", "secure": secure}
