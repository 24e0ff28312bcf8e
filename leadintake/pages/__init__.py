"""Floor 5: what people see."""

from __future__ import annotations

from typing import Any

from flask import Flask, has_request_context

from leadintake.core.languages import asked
from leadintake.pages import assets, desk
from leadintake.pages.account import bp as account
from leadintake.pages.routes import bp


def init_app(app: Flask) -> None:
    """Wire the room."""
    assets.init_app(app)
    desk.init_app(app)
    app.register_blueprint(bp)
    app.register_blueprint(account)
    app.url_defaults(_carry_language)


def _carry_language(endpoint: str, values: dict[str, Any]) -> None:
    """Have every link to a prospect's page, and the form, keep the language that the address asks for."""
    prospects = endpoint.startswith(("pages.", "public."))
    if prospects and endpoint != "pages.static" and has_request_context() and (language := asked()):
        values.setdefault("lang", language)
