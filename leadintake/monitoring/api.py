"""The operations routes."""

from __future__ import annotations

import hmac
from importlib.metadata import version
from ipaddress import ip_address
from typing import Any

import msgspec
from flask import Blueprint, Response, current_app, render_template, request

from leadintake.core import checks
from leadintake.core.errors import Forbidden, problem
from leadintake.core.http import openapi
from leadintake.core.http.access import allow_anonymous, without_database
from leadintake.core.http.api import api, respond
from leadintake.core.http.compression import compressed
from leadintake.monitoring import metrics
from leadintake.monitoring.examples import add_examples

FOR_OPERATORS = "This is for the operators of this service alone."
PROXY_HEADERS = ("X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip", "Forwarded", "Via")
"""Headers that only a proxy adds."""

bp = Blueprint("operations", __name__)


class Health(msgspec.Struct, omit_defaults=True):
    """How the service is; `warnings` names what an operator should look at (`flask doctor` says why)."""

    status: str
    warnings: list[str] = []


@bp.get("/healthz")
@allow_anonymous
@without_database
@api({200: Health})
def healthz() -> Response:
    """Tell that the process lives."""
    return respond(Health("ok"))


@bp.get("/readyz")
@allow_anonymous
@without_database
@api({200: Health})
def readyz() -> Response:
    """Tell whether database, storage and worker work; 503 names those that do not."""
    failing = checks.failures()
    if failing:
        # The sentences may name hosts and paths: they are for `flask doctor`, not for the public.
        detail = f"Not working: {', '.join(sorted(failing))}. `flask doctor` says why."
        if "revision" in failing:
            detail += f" {failing['revision']}"  # names two revisions at most
        return problem(503, "Service Unavailable", detail, headers={"Retry-After": "5"})
    return respond(Health("ready", checks.warnings()))


@bp.get("/metrics")
@allow_anonymous
@without_database
@api({200: "text/plain"}, refuses=(403,))
def read_metrics() -> Response:
    """Show the Prometheus metrics, with METRICS_TOKEN or, but for production, to loopback."""
    token = current_app.config["METRICS_TOKEN"]
    scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
    fits = hmac.compare_digest(bearer.strip().encode(), token.encode())
    if not (token and scheme.lower() == "bearer" and fits):
        if current_app.config["ENVIRONMENT"] == "production":  # a proxy on this machine is loopback, too
            raise Forbidden(
                "Metrics are read with METRICS_TOKEN as a bearer token. Without one they are closed.",
                page=FOR_OPERATORS,
            )
        if not _is_from_loopback():
            raise Forbidden(
                "Metrics are read from this machine, or with METRICS_TOKEN as a bearer token.",
                page=FOR_OPERATORS,
            )
    return Response(metrics.text(), content_type="text/plain; version=0.0.4; charset=utf-8")


@bp.get("/openapi.json")
@allow_anonymous
@without_database
@api({200: dict[str, Any]})
@compressed
def read_openapi() -> Response:
    """Describe this API as OpenAPI 3.1."""
    return respond(_document())


@bp.get("/docs")
@allow_anonymous
@without_database
@api({200: "text/html"})
@compressed
def read_docs() -> str:
    """Show a guide and the description as a page."""
    return render_template("docs.html")


def _document() -> dict[str, Any]:
    cached = current_app.extensions.get("leadintake.openapi")
    if cached is None:
        cached = openapi.document(current_app._get_current_object(), version("leadintake"))  # type: ignore[attr-defined]
        add_examples(cached)
        current_app.extensions["leadintake.openapi"] = cached
    return dict(cached)


def _is_from_loopback() -> bool:
    # A proxy on this machine connects from loopback too, on behalf of anybody.
    if any(name in request.headers for name in PROXY_HEADERS):
        return False
    try:
        return ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False
