"""The proof of work that browsers solve before they send the form (ALTCHA)."""

from __future__ import annotations

from flask import Blueprint, Response, current_app

from leadintake.core.errors import NotFound
from leadintake.core.http.access import allow_anonymous
from leadintake.core.http.api import api, respond
from leadintake.leads.intake import spam

bp = Blueprint("challenge", __name__, url_prefix="/challenge")


@bp.get("")
@allow_anonymous
@api({200: spam.Challenge}, refuses=(404,))
def read() -> Response:
    """Give a challenge of ALTCHA's, good for twenty minutes: find `number` below `maxnumber`.

    SHA-256 of `salt` and `number` is `challenge`.
    """
    if not current_app.config["ALTCHA"]:
        raise NotFound("No proof of work is asked for here.")
    return respond(spam.challenge(), headers={"Cache-Control": "no-store"})
