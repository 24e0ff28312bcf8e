"""Errors as RFC 9457 problem+json, or as HTML with the same words."""

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
from leadintake.core.causes import DISK_FAILURES, is_database_failure, is_schema_error
from leadintake.core.i18n.languages import N_, _
from leadintake.core.logs import request_id
from leadintake.server_logs.failures import sentence_of

log = structlog.get_logger()

POOL_TIMEOUTS = measures.Counter("leadintake_pool_timeouts", "Requests that got no connection in time")
LOGGED_STATUSES = {401, 403, 429}
"""Statuses to log, for intrusion detection (ASVS 5.0, 16.3)."""

MAX_ERRORS, MAX_NAME_LENGTH, MAX_INSTANCE_LENGTH = 50, 100, 500
"""Limits of an answer: field names, characters of each, characters of the path."""

Errors = Mapping[str, list[str]]
"""Errors by field, in words for the person at the form."""

SENTENCES = {
    400: N_("The request could not be read. Please check how it is written."),
    404: N_("There is nothing at this address."),
    405: N_("This address does not take that method. The Allow header names those it takes."),
    413: N_("That is more than this address takes. Please send a smaller file."),
    415: N_("This kind of body is not accepted here."),
    429: N_("Too many requests from here. Please wait a little and try again."),
    500: N_("Something went wrong on our side. Nothing was kept. Please try again."),
    503: N_("The service cannot do this right now. Nothing was kept. Please try again in a moment."),
}

PAGE_SENTENCES = {
    405: N_("This page cannot do that. Please go back and try again."),
    415: N_("This cannot be read here. Please go back and try again."),
}
"""Instead of SENTENCES on pages: people send neither methods nor types."""

TITLES = (
    N_("Bad Request"), N_("Method Not Allowed"), N_("Request Entity Too Large"),
    N_("Too Many Requests"), N_("Internal Server Error"),
)  # fmt: skip
"""Titles of other errors than refusals, listed for translation."""


class Refusal(Exception):
    """A rule refused the request. A subclass stands beside its rule and sets status, type and title."""

    status = 400
    type = "about:blank"
    title = ""

    def __init__(
        self,
        detail: str = "",
        *,
        page: str = "",
        errors: Errors | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Raise with `detail`; `page` replaces it on pages where it is written for programs."""
        super().__init__(detail or self.title)
        self.detail = detail or SENTENCES.get(self.status, "")
        self.page = page or (PAGE_SENTENCES.get(self.status, "") if not detail else "")
        self.errors = None if errors is None else _bound(errors)
        self.headers = dict(headers or {})


class BadRequest(Refusal):
    """The bytes are not what they claim to be."""

    status = 400
    title = N_("Malformed request")


class NotFound(Refusal):
    """It does not exist, or this person may not know that it does."""

    status = 404
    title = N_("Not Found")


class Forbidden(Refusal):
    """The person may see it, but not do this."""

    status = 403
    title = N_("Forbidden")


class Conflict(Refusal):
    """The current state forbids it."""

    status = 409
    title = N_("Conflict")


class PreconditionFailed(Refusal):
    """The If-Match of the request names an older version."""

    status = 412
    title = N_("Changed meanwhile")


class UnsupportedMediaType(Refusal):
    status = 415
    title = N_("Unsupported Media Type")


class UnprocessableContent(Refusal):
    """Fields are wrong; `errors` names each."""

    status = 422
    title = N_("Please check what you entered")

    def __init__(self, errors: Errors) -> None:
        super().__init__(N_("Some of it cannot be accepted as it is. Each field says why."), errors=errors)


class Unavailable(Refusal):
    """Database, storage or a queue cannot serve now; a retry may succeed."""

    status = 503
    title = N_("Service Unavailable")
    broken = True
    """Whether a part may be broken, as opposed to overloaded."""

    def __init__(self, detail: str = "", *, retry_after: int = 2) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)})


Explanation = Callable[[Exception], Refusal | None]
"""Converts an exception to a refusal, or returns None."""


def explain_failures(app: Flask, explanation: Explanation) -> None:
    """Register an explanation, tried for schema errors and before a 500."""
    app.extensions.setdefault("leadintake.explanations", []).append(explanation)


def init_app(app: Flask) -> None:
    """Register the error handlers."""
    app.register_error_handler(Exception, answer_to)
    app.register_error_handler(HTTPException, answer_to)


def answer_to(error: Exception) -> Response:
    """Convert an exception to a response that hides its cause; log the service's own faults."""
    cause = getattr(error, "original_exception", None) or error
    if isinstance(cause, Refusal):
        if isinstance(cause, Unavailable) and cause.broken:
            checks.report_write_failure()
        if cause.status in LOGGED_STATUSES:
            log.info("refused", status=cause.status, title=cause.title, endpoint=request.endpoint)
        words = cause.page if cause.page and wants_html() else cause.detail
        return problem(cause.status, cause.title, words, cause.type, cause.errors, cause.headers)
    if is_schema_error(cause) and (explained := _explain(cause)):
        return answer_to(explained)
    if is_database_failure(cause):
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
    """Build RFC 9457 problem details, or the same words as HTML."""
    body: dict[str, object] = {
        "type": kind,
        "title": _(title or http.HTTPStatus(status).phrase),
        "status": status,
        "detail": _(detail),
        "instance": request.path[:MAX_INSTANCE_LENGTH],
        "request_id": request_id(),
    }
    if errors is not None:
        body["errors"] = {name: [_(reason) for reason in reasons] for name, reasons in errors.items()}
    if wants_html():
        response = make_response(render_template("problem.html", problem=body), status)
    else:
        response = Response(msgspec.json.encode(body), status, content_type="application/problem+json")
    response.headers.extend(dict(headers or {}))
    return response


def _explain(error: Exception) -> Refusal | None:
    explanations = (explain(error) for explain in current_app.extensions.get("leadintake.explanations", ()))
    return next((refusal for refusal in explanations if refusal is not None), None)


def wants_html() -> bool:
    """Return whether the client prefers HTML, as browsers do."""
    header = request.headers.get("Accept", "")
    if "html" not in header.lower() and "*" not in header:  # as programs send it
        return False
    accepts = request.accept_mimetypes
    if not accepts or not accepts.accept_html:
        return False
    best = accepts.best_match(["application/json", "application/problem+json", "text/html"])
    return best == "text/html" and accepts["text/html"] > accepts["application/json"]


def _bound(errors: Errors) -> Errors:
    named = itertools.islice(errors.items(), MAX_ERRORS)
    return {name[:MAX_NAME_LENGTH]: reasons for name, reasons in named}


def _answer_to_http(error: HTTPException) -> Response:
    response = error.get_response()
    if response.status_code < 400:
        return Response(response.get_data(), response.status_code, dict(response.headers))
    headers = {
        name: value
        for name, value in response.headers
        if name.lower() not in {"content-type", "content-length"}
    }
    status = response.status_code
    if status in {429, 503}:
        headers.setdefault("Retry-After", "60" if status == 429 else "2")
    sentences = SENTENCES | PAGE_SENTENCES if wants_html() else SENTENCES
    return problem(status, error.name, sentences.get(status, ""), headers=headers)
