"""The proof of work that browsers do before they send the form, where ALTCHA is on."""

from __future__ import annotations

from flask import Blueprint, Response, current_app

from leadintake.core.access import anyone
from leadintake.core.api import respond, speaks
from leadintake.core.errors import NotFound
from leadintake.leads import signs

bp = Blueprint("challenge", __name__, url_prefix="/challenge")


@bp.get("")
@anyone
@speaks({200: signs.Challenge}, refuses=(404,))
def read() -> Response:
    """Give a challenge of ALTCHA's, good for twenty minutes: find `number` below `maxnumber`.

    SHA-256 of `salt` and `number` is `challenge`.
    """
    if not current_app.config["ALTCHA"]:
        raise NotFound("No proof of work is asked for here.")
    return respond(signs.challenge(), headers={"Cache-Control": "no-store"})
