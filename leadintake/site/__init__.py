"""Floor 5: public pages."""

from __future__ import annotations

from typing import Any

from flask import Flask, has_request_context

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
    app.url_defaults(_carry_language)


def _carry_language(endpoint: str, values: dict[str, Any]) -> None:
    """Keep the requested language in links to prospects' pages and in the form."""
    prospects = endpoint.startswith(("site.", "public."))
    if (
        prospects
        and endpoint != "site.static"
        and has_request_context()
        and (language := requested_language())
    ):
        values.setdefault("lang", language)
