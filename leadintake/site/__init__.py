"""Floor 5: public pages."""

from __future__ import annotations

from typing import Any

from flask import Flask, has_request_context, request
from werkzeug.exceptions import HTTPException

from leadintake.core.i18n.languages import requested_language
from leadintake.site import assets
from leadintake.site.account import bp as account
from leadintake.site.routes import bp
from leadintake.site.well_known import bp as well_known


def init_app(app: Flask) -> None:
    """Register assets, pages, and the language of links."""
    assets.init_app(app)
    app.register_blueprint(bp)
    app.register_blueprint(account)
    app.register_blueprint(well_known)
    app.url_defaults(_carry_choices)
    app.jinja_env.globals["in_frame"] = in_frame


def in_frame() -> bool:
    """Return whether the page is shown without header and ground, in a frame of the firm's site."""
    try:
        return request.args.get("embed") == "1"
    except HTTPException:
        return False  # an invalid query, which the answer reports


def _carry_choices(endpoint: str, values: dict[str, Any]) -> None:
    """Keep requested language and frame in links to prospects' pages and in the form."""
    prospects = endpoint.startswith(("site.", "public."))
    if not prospects or endpoint in {"site.static", "site.embedder"} or not has_request_context():
        return
    if language := requested_language():
        values.setdefault("lang", language)
    if in_frame():
        values.setdefault("embed", "1")
