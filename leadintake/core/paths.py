"""Paths of requests: one that is not written as ours are is 404, and nobody is sent to a corrected one.

Werkzeug takes `//desk` for `/desk`, and sends who asks for `/desk//leads` to an address that it builds from
the Host header: so a link to this site would lead to another.
"""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from flask import Flask, Response, request
from werkzeug.routing import RequestRedirect

from leadintake.core.errors import NotFound


def init_app(app: Flask) -> None:
    """Correct no path."""
    app.url_map.merge_slashes = app.url_map.redirect_defaults = False
    app.before_request(correct_no_path)


def correct_no_path() -> Response | None:
    """Raise NotFound where the path, as the server decoded it, has two slashes beside each other.

    What is left of the router's redirects (no path at all) leads to a path, and so to this site.
    """
    if "//" in request.environ.get("PATH_INFO", ""):
        raise NotFound
    redirected = request.routing_exception
    if not isinstance(redirected, RequestRedirect):
        return None
    parts = urlsplit(redirected.new_url)
    to = urlunsplit(("", "", f"/{parts.path.lstrip('/')}", parts.query, ""))
    return Response("", redirected.code, {"Location": to})
