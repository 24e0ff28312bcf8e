"""Maximum lengths of path, query and headers.

Third-party parsers may take more than linear time. So longer parts are removed before any code reads them,
and the request is refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Flask, request

from leadintake.core.errors import BadRequest, NotFound, UnprocessableContent

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

MAX_PATH_LENGTH, MAX_QUERY_LENGTH = 2_000, 16_000
"""Characters. A cursor has up to 3,000, a provider's answer 5,000 before escaping."""
OPTIONAL_HEADERS = {
    "ACCEPT": 2_000,
    "ACCEPT_ENCODING": 1_000,
    "ACCEPT_LANGUAGE": 1_000,
    "AUTHORIZATION": 4_000,
    "IF_MODIFIED_SINCE": 100,
    "IF_NONE_MATCH": 1_000,
    "IF_RANGE": 200,
    "IF_UNMODIFIED_SINCE": 100,
    "RANGE": 1_000,
    "REFERER": 4_000,
    "USER_AGENT": 4_000,
    "X_CSRFTOKEN": 1_000,
    "X_CSRF_TOKEN": 1_000,
    "X_REQUEST_ID": 100,
}
"""Headers without which an answer is correct or a refusal: a longer one is removed."""
DECISIVE_HEADERS = {
    "CONTENT_ENCODING": 100,
    "CONTENT_TYPE": 500,
    "COOKIE": 16_000,
    "FORWARDED": 1_000,
    "HOST": 300,
    "HX_REQUEST": 100,
    "IDEMPOTENCY_KEY": 1_000,
    "IF_MATCH": 1_000,
    "ORIGIN": 1_000,
    "SEC_FETCH_SITE": 100,
    "X_FORWARDED_FOR": 2_000,
    "X_FORWARDED_HOST": 1_000,
    "X_FORWARDED_PROTO": 100,
}
"""Headers that decide the meaning: a request with a longer one is refused."""
VARIABLES = {
    name if name == "CONTENT_TYPE" else f"HTTP_{name}": (name, longest)
    for name, longest in (OPTIONAL_HEADERS | DECISIVE_HEADERS).items()
}
"""Name and bound of a header by its variable (PEP 3333)."""
TOO_LONG, PATH, QUERY = "leadintake.too_long", "path", "query"


def init_app(app: Flask) -> None:
    """Refuse requests that were cut."""
    app.before_request(_refuse)


def install_cutter(app: Flask) -> None:
    """Install the middleware outside ProxyFix, which parses headers too."""
    app.wsgi_app = CutRequests(app.wsgi_app)  # type: ignore[method-assign] # as WSGI middleware is


class CutRequests:
    """Middleware: see `cut_long_parts`."""

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        cut_long_parts(environ)
        return self._application(environ, start_response)


def cut_long_parts(environ: WSGIEnvironment) -> None:
    """Remove parts that are too long; note one that decides the answer."""
    for variable in [variable for variable in VARIABLES if variable in environ]:
        name, longest = VARIABLES[variable]
        if len(environ[variable]) > longest:
            del environ[variable]
            if name in DECISIVE_HEADERS:
                environ[TOO_LONG] = f"header {name.replace('_', '-').title()}"
    if len(environ.get("QUERY_STRING", "")) > MAX_QUERY_LENGTH:
        environ["QUERY_STRING"], environ[TOO_LONG] = "", QUERY
    if len(environ.get("PATH_INFO", "")) > MAX_PATH_LENGTH:
        environ["PATH_INFO"], environ[TOO_LONG] = "/", PATH


def _refuse() -> None:
    part = request.environ.get(TOO_LONG)
    if part == PATH:
        request.url_rule = None  # the path it was cut to is not the requested one
        raise NotFound
    if part == QUERY:
        raise UnprocessableContent({QUERY: [f"Use {MAX_QUERY_LENGTH} characters at most."]})
    if part is not None:
        raise BadRequest(
            f"The {part} is longer than any that is read here.",
            page="Your browser sent more than is read here. Delete this site's cookies, then try again.",
        )
