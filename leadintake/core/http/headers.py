"""Headers of every answer, and CORS for the public form."""

from __future__ import annotations

from flask import Flask, Response, current_app, request
from werkzeug.middleware.proxy_fix import ProxyFix

from leadintake.core.errors import Refusal

POLICY = (
    "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; frame-src 'self'; form-action 'self'; manifest-src 'self'; base-uri 'none'"
)
"""`data:` for Pico CSS's icons in fields."""
FEATURES = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
PRIVATE_PATHS = ("/internal", "/account", "/desk")
"""The firm's side: no framing, no caching."""


class Misdirected(Refusal):
    """HTTP/2 without TLS: no browser uses it, granian allows it, and one connection carries 200 requests."""

    status = 421
    title = "Misdirected Request"

    def __init__(self) -> None:
        super().__init__("HTTP/2 is not spoken here without TLS. Please use HTTP/1.1.")


def init_app(app: Flask) -> None:
    """Add the headers; trust as many proxies as configured."""
    app.before_request(_refuse_clear_http2)
    hops = app.config["TRUSTED_PROXIES"]
    if hops:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    app.after_request(_protect)


def _refuse_clear_http2() -> None:
    environ = request.environ
    # Before ProxyFix: a proxy may claim https for a request that was not.
    original = environ.get("werkzeug.proxy_fix.orig", {})
    scheme = original.get("wsgi.url_scheme") or environ["wsgi.url_scheme"]
    if environ.get("SERVER_PROTOCOL", "").startswith("HTTP/2") and scheme != "https":
        raise Misdirected


def _protect(response: Response) -> Response:
    headers, settings = response.headers, current_app.config
    private = request.path.startswith(PRIVATE_PATHS)
    framers = "'none'" if private else " ".join(settings["EMBED_ORIGINS"]) or "'none'"
    headers.setdefault("Content-Security-Policy", f"{POLICY}; frame-ancestors {framers}")
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "no-referrer")
    headers.setdefault("Permissions-Policy", FEATURES)
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
    if private:
        headers["Cache-Control"] = "no-store"
    if settings["ENVIRONMENT"] == "production":
        headers["Strict-Transport-Security"] = "max-age=31536000"
    return response


def allow_embedders(response: Response) -> Response:
    """Allow CORS for EMBED_ORIGINS."""
    origin = request.headers.get("Origin", "")
    if "Vary" in response.headers:
        response.vary.add("Origin")
    else:
        response.headers["Vary"] = "Origin"
    if origin in current_app.config["EMBED_ORIGINS"]:
        headers = response.headers
        headers["Access-Control-Allow-Origin"] = origin
        headers["Access-Control-Expose-Headers"] = "Idempotency-Replayed, Retry-After, X-Request-Id"
        if request.method == "OPTIONS":
            headers["Access-Control-Allow-Methods"] = "POST"
            headers["Access-Control-Allow-Headers"] = "Idempotency-Key, Accept"
            headers["Access-Control-Max-Age"] = "600"
    return response
