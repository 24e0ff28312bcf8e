"""Strict paths: a double slash is 404, without a redirect.

Werkzeug takes `//desk` for `/desk`, and redirects `/desk//leads` to an address built from the Host header: a
link to this site could lead to another.
"""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from flask import Flask, Response, request
from werkzeug.routing import RequestRedirect

from leadintake.core.errors import NotFound


def init_app(app: Flask) -> None:
    """Disable Werkzeug's corrections of paths."""
    app.url_map.merge_slashes = app.url_map.redirect_defaults = False
    app.before_request(refuse_double_slashes)


def refuse_double_slashes() -> Response | None:
    """Raise NotFound if the decoded path has a double slash.

    The router's remaining redirect (of an empty path) becomes relative, and stays on this site.
    """
    if "//" in request.environ.get("PATH_INFO", ""):
        raise NotFound
    redirect = request.routing_exception
    if not isinstance(redirect, RequestRedirect):
        return None
    parts = urlsplit(redirect.new_url)
    to = urlunsplit(("", "", f"/{parts.path.lstrip('/')}", parts.query, ""))
    return Response("", redirect.code, {"Location": to})
