"""Every failure becomes RFC 9457 problem+json, or a page with the same words for a browser."""

from __future__ import annotations

import http
import itertools
from collections.abc import Callable, Mapping

import msgspec
import structlog
from flask import Flask, Response, current_app, make_response, render_template, request
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException, InternalServerError

from leadintake.core import checks, measures
from leadintake.core.causes import DISK_FAILURES, is_of_the_database, is_schema_error
from leadintake.core.languages import phrase, said
from leadintake.core.logs import request_id
from leadintake.server_logs.failures import sentence_of

log = structlog.get_logger()

POOL_TIMEOUTS = measures.Counter("leadintake_pool_timeouts", "Requests that got no connection in time")
WORTH_A_LINE = {401, 403, 429}
"""Refusals that somebody looking for an attack wants to see (ASVS 5.0, 16.3)."""

MOST_ERRORS, LONGEST_NAME, LONGEST_INSTANCE = 50, 100, 500
"""What an answer repeats of a request: so many names of fields, each cut, and of its path the beginning."""

Errors = Mapping[str, list[str]]
"""For each field what is wrong with it, in words for the person who filled it in."""

SENTENCES = {
    400: phrase("The request could not be read. Please check how it is written."),
    404: phrase("There is nothing at this address."),
    405: phrase("This address does not take that method. The Allow header names those it takes."),
    413: phrase("That is more than this address takes. Please send a smaller file."),
    415: phrase("This kind of body is not accepted here."),
    429: phrase("Too many requests from here. Please wait a little and try again."),
    500: phrase("Something went wrong on our side. Nothing was kept. Please try again."),
    503: phrase("The service cannot do this right now. Nothing was kept. Please try again in a moment."),
}

TITLES = (
    phrase("Bad Request"), phrase("Method Not Allowed"), phrase("Request Entity Too Large"),
    phrase("Too Many Requests"), phrase("Internal Server Error"),
)  # fmt: skip
"""Names that HTTP has for what no rule of ours refused."""


class Refusal(Exception):
    """A rule said no. Subclasses stand beside their rule and set status, type and title."""

    status = 400
    type = "about:blank"
    title = ""

    def __init__(
        self, detail: str = "", *, errors: Errors | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or SENTENCES.get(self.status, "")
        self.errors = None if errors is None else _bounded(errors)
        self.headers = dict(headers or {})


class Malformed(Refusal):
    """The bytes are not what they claim to be."""

    status = 400
    title = phrase("Malformed request")


class NotFound(Refusal):
    """It does not exist, or this person may not know that it does."""

    status = 404
    title = phrase("Not Found")


class Forbidden(Refusal):
    """The person may see it and may not do this."""

    status = 403
    title = phrase("Forbidden")


class Conflict(Refusal):
    """What is there now forbids it."""

    status = 409
    title = phrase("Conflict")


class Stale(Refusal):
    """The If-Match of the request names an older version."""

    status = 412
    title = phrase("Changed meanwhile")


class WrongKind(Refusal):
    """The body is of another kind than this address takes."""

    status = 415
    title = phrase("Unsupported Media Type")


class Invalid(Refusal):
    """What was sent does not validate; `errors` names every field that is wrong."""

    status = 422
    title = phrase("Please check what you entered")

    def __init__(self, errors: Errors) -> None:
        super().__init__(
            phrase("Some of it cannot be accepted as it is. Each field says why."), errors=errors
        )


class Unavailable(Refusal):
    """Database, storage or a queue cannot serve now; the same request may succeed later."""

    status = 503
    title = phrase("Service Unavailable")
    broken = True
    """Whether a part of ours may be broken, or there are only too many people."""

    def __init__(self, detail: str = "", *, retry_after: int = 2) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)})


Explanation = Callable[[Exception], Refusal | None]
"""The refusal that a failure comes down to, where it is known."""


def explain_failures(app: Flask, explanation: Explanation) -> None:
    """Ask for an explanation before a failure is answered 500."""
    app.extensions.setdefault("leadintake.explanations", []).append(explanation)


def init_app(app: Flask) -> None:
    """Answer every exception in the one shape."""
    app.register_error_handler(Exception, answer_to)
    app.register_error_handler(HTTPException, answer_to)


def answer_to(error: Exception) -> Response:
    """The response to a failure. Logs what is ours to mend; says nothing of its cause."""
    cause = getattr(error, "original_exception", None) or error
    if isinstance(cause, Refusal):
        if isinstance(cause, Unavailable) and cause.broken:
            checks.suspect()
        if cause.status in WORTH_A_LINE:
            log.info("refused", status=cause.status, title=cause.title, endpoint=request.endpoint)
        return problem(cause.status, cause.title, cause.detail, cause.type, cause.errors, cause.headers)
    if is_schema_error(cause) and (explained := _explain(cause)):
        return answer_to(explained)
    if is_of_the_database(cause):
        if isinstance(cause, PoolTimeout):
            POOL_TIMEOUTS.count()
        log.error("database_unavailable", error=type(cause).__name__, cause=sentence_of(cause))
        return answer_to(Unavailable())
    if isinstance(cause, OSError) and cause.errno in DISK_FAILURES:
        log.error("disk_failed", error=sentence_of(cause))
        return answer_to(Unavailable())
    if isinstance(cause, HTTPException) and not isinstance(cause, InternalServerError):
        return _answer_to_http(cause)
    if explained := _explain(cause):
        return answer_to(explained)
    log.error("unexpected_failure", exc_info=cause)
    return problem(500, "Internal Server Error", SENTENCES[500])


def problem(
    status: int,
    title: str,
    detail: str,
    kind: str = "about:blank",
    errors: Errors | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Write RFC 9457 problem details, or the page with the same words when HTML is preferred."""
    body: dict[str, object] = {
        "type": kind,
        "title": said(title or http.HTTPStatus(status).phrase),
        "status": status,
        "detail": said(detail),
        "instance": request.path[:LONGEST_INSTANCE],
        "request_id": request_id(),
    }
    if errors is not None:
        body["errors"] = {name: [said(reason) for reason in reasons] for name, reasons in errors.items()}
    if wants_html():
        response = make_response(render_template("problem.html", problem=body), status)
    else:
        response = Response(msgspec.json.encode(body), status, content_type="application/problem+json")
    response.headers.extend(dict(headers or {}))
    return response


def _explain(error: Exception) -> Refusal | None:
    asked = (explain(error) for explain in current_app.extensions.get("leadintake.explanations", ()))
    return next((refusal for refusal in asked if refusal is not None), None)


def wants_html() -> bool:
    """Whether the client prefers a page to JSON, as a browser does."""
    accepts = request.accept_mimetypes
    if not accepts or not accepts.accept_html:
        return False
    best = accepts.best_match(["application/json", "application/problem+json", "text/html"])
    return best == "text/html" and accepts["text/html"] > accepts["application/json"]


def _bounded(errors: Errors) -> Errors:
    named = itertools.islice(errors.items(), MOST_ERRORS)
    return {name[:LONGEST_NAME]: reasons for name, reasons in named}


def _answer_to_http(error: HTTPException) -> Response:
    response = error.get_response()
    if response.status_code < 400:
        return Response(response.get_data(), response.status_code, dict(response.headers))
    kept = {
        name: value
        for name, value in response.headers
        if name.lower() not in {"content-type", "content-length"}
    }
    status = response.status_code
    if status in {429, 503}:
        kept.setdefault("Retry-After", "60" if status == 429 else "2")
    return problem(status, error.name, SENTENCES.get(status, ""), headers=kept)
