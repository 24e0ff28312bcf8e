"""Counters that slow down whoever asks too often."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from flask import Flask, Response, current_app, request
from flask_limiter import Limiter


def client_address() -> str:
    """Where the request comes from: TRUSTED_PROXIES decides how far X-Forwarded-For is believed."""
    return request.remote_addr or "nowhere"


def init_app(app: Flask) -> None:
    """Count in Redis where there is one, else in this process; a Redis that is away is no error."""
    limiter = Limiter(
        client_address,
        storage_uri=app.config["REDIS_URL"] or "memory://",
        in_memory_fallback_enabled=bool(app.config["REDIS_URL"]),
        strategy="moving-window",
        headers_enabled=False,
    )
    limiter.init_app(app)
    app.extensions["leadintake.limiter"] = limiter


def limited(
    setting: str,
    *,
    by: Callable[[], str] = client_address,
    counts: Callable[[Response], bool] | None = None,
) -> AbstractContextManager[Any]:
    """A block that answers 429 once the limits in `setting` are used up.

    `by` names who is counted; `counts` says, from the answer, whether the request counted at all.
    """
    rates = current_app.config[setting]
    if not rates:
        return nullcontext()
    limiter: Limiter = current_app.extensions["leadintake.limiter"]
    return limiter.limit(rates, key_func=by, deduct_when=counts)
