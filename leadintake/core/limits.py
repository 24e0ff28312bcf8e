"""Counters that slow down whoever asks too often."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from typing import TypeVar

import structlog
from flask import Flask, current_app, request
from limits import RateLimitItem, parse, parse_many
from limits.errors import StorageError
from limits.storage import storage_from_string
from limits.strategies import MovingWindowRateLimiter

from leadintake.core import checks
from leadintake.core.errors import Refusal
from leadintake.core.http.addresses import client_key

REDIS_PATIENCE_SECONDS = 1
REDIS_REST_SECONDS = 30
PROBE = parse("1000 per second")
Answer = TypeVar("Answer")
log = structlog.get_logger()


class TooMany(Refusal):
    """Asked too often."""

    status = 429
    title = "Too Many Requests"

    def __init__(self, seconds: int) -> None:
        super().__init__(headers={"Retry-After": str(seconds)})


class Counters:
    """The counters of one application: in Redis where there is one, else in this process.

    A Redis that is away is no error: this process counts for itself until it is back. Nothing is
    opened, and no thread started, before the first count.
    """

    def __init__(self, redis_url: str) -> None:
        self._redis_url = redis_url
        self._guard = threading.Lock()
        self._here: MovingWindowRateLimiter | None = None
        self._shared: MovingWindowRateLimiter | None = None
        self._away_until = 0.0

    def ask(self, question: Callable[[MovingWindowRateLimiter], Answer]) -> Answer:
        """Put the question to the shared counters, or to our own."""
        self._open()
        if self._shared is not None and time.monotonic() >= self._away_until:
            try:
                return question(self._shared)
            except StorageError as error:
                self._away_until = time.monotonic() + REDIS_REST_SECONDS
                log.warning("redis_away", error=str(error), counting="in this process")
        assert self._here is not None  # noqa: S101 - opened above
        return question(self._here)

    def check(self) -> None:
        """Raise unless the shared counters count."""
        self._open()
        try:
            if self._shared is not None:
                self._shared.hit(PROBE, "doctor")
        except StorageError as error:
            cause = str(error.storage_error or error).partition("\n")[0].rstrip(".")
            raise RuntimeError(
                f"Redis does not count: {cause}. Start it, or mend LEADINTAKE_REDIS_URL; until then each "
                "server process counts alone, and limits are as many times wider."
            ) from error

    def _open(self) -> None:
        with self._guard:
            if self._here is None:
                self._here = MovingWindowRateLimiter(storage_from_string("memory://"))
                if self._redis_url:
                    patience = {
                        "socket_timeout": REDIS_PATIENCE_SECONDS,
                        "socket_connect_timeout": REDIS_PATIENCE_SECONDS,
                    }
                    shared = storage_from_string(self._redis_url, wrap_exceptions=True, **patience)
                    self._shared = MovingWindowRateLimiter(shared)


def init_app(app: Flask) -> None:
    """Make the counters."""
    counters = app.extensions["leadintake.counters"] = Counters(app.config["REDIS_URL"])
    if app.config["REDIS_URL"]:
        checks.register(app, "redis", counters.check, needed=False)


def client_address() -> str:
    """Where the request comes from: TRUSTED_PROXIES decides how far X-Forwarded-For is believed."""
    return request.remote_addr or "nowhere"


def client_counted() -> str:
    """Who is counted for this request: the same for every limit."""
    return client_key(client_address())


def limit(setting: str, *, who: str) -> None:
    """Count `who`, and raise TooMany once they have used up the limits in `setting`."""
    counters: Counters = current_app.extensions["leadintake.counters"]
    for rate in parse_many(current_app.config[setting]) if current_app.config[setting] else []:
        _enter(counters, rate, setting, who)


def _enter(counters: Counters, rate: RateLimitItem, setting: str, who: str) -> None:
    if not counters.ask(lambda strategy: strategy.hit(rate, setting, who)):
        reset = counters.ask(lambda strategy: strategy.get_window_stats(rate, setting, who).reset_time)
        raise TooMany(max(1, math.ceil(reset - time.time())))
