"""Redirects of users refused by the guard."""

from __future__ import annotations

from flask import redirect, request, url_for
from werkzeug.wrappers import Response

from leadintake.auth.guard import SignInFirst, StaleToken
from leadintake.auth.mfa.factors import SecondFactorRequired
from leadintake.core.db.database import SAFE_METHODS
from leadintake.desk.finishing import keep_act
from leadintake.desk.forms import redirect_with_reasons


def redirect_to_sign_in(refusal: SignInFirst | StaleToken) -> Response:
    """Redirect page visits to sign-in; keep what a form asked for until then."""
    if request.method not in SAFE_METHODS or "HX-Request" in request.headers:
        return keep_act(refusal)
    wanted = request.full_path.rstrip("?")
    return redirect(url_for("desk.signing_in.ask", next=wanted), 303)


def redirect_to_factor_setup(refusal: SecondFactorRequired) -> Response:
    """Redirect to the setup of a second factor."""
    return redirect_with_reasons(refusal, "")
