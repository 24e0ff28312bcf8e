"""Polls of open pages: while nothing changed, nothing is drawn, recorded or kept alive."""

from __future__ import annotations

from flask import Response, make_response, render_template, request

from leadintake.auth.sessions.interface import current


def mark_unattended(*elements: str) -> None:
    """Keep the session from being extended by what the page asks for by itself.

    Args:
        elements: Ids of the elements that do; htmx names the one that asks. None: every request counts.
    """
    if not elements or request.headers.get("HX-Trigger") in elements:
        current().unattended = True


def respond_to_poll(template: str, tag: str, event: str, **values: object) -> Response:
    """Respond 304 while the page shows the state `tag`; else have the page raise `event`.

    The event is a header of the 200 alone: htmx obeys that of a 304, too.
    """
    response = make_response(render_template(template, pulse=tag, **values))
    response.set_etag(tag)
    response.make_conditional(request)
    if response.status_code == 200:
        response.headers["HX-Trigger"] = event
    return response
