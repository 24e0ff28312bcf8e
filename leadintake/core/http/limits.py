"""Rate limits."""

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

REDIS_TIMEOUT_SECONDS = 1
REDIS_RETRY_SECONDS = 30
PROBE = parse("1000 per second")
Answer = TypeVar("Answer")
log = structlog.get_logger()


class TooMany(Refusal):
    status = 429
    title = "Too Many Requests"

    def __init__(self, seconds: int) -> None:
        super().__init__(headers={"Retry-After": str(seconds)})


class Counters:
    """An application's counters: in Redis if configured, and while it is reachable, else in this process.

    No connection or thread exists before the first count.
    """

    def __init__(self, redis_url: str) -> None:
        self._redis_url = redis_url
        self._lock = threading.Lock()
        self._local: MovingWindowRateLimiter | None = None
        self._shared: MovingWindowRateLimiter | None = None
        self._retry_at = 0.0

    def run(self, operation: Callable[[MovingWindowRateLimiter], Answer]) -> Answer:
        """Run the operation on the shared counters, else on the local ones."""
        self._open()
        if self._shared is not None and time.monotonic() >= self._retry_at:
            try:
                return operation(self._shared)
            except StorageError as error:
                self._retry_at = time.monotonic() + REDIS_RETRY_SECONDS
                log.warning("redis_away", error=str(error), counting="in this process")
        assert self._local is not None  # noqa: S101 - opened above
        return operation(self._local)

    def check(self) -> None:
        """Raise unless the shared counters work."""
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
        with self._lock:
            if self._local is None:
                self._local = MovingWindowRateLimiter(storage_from_string("memory://"))
                if self._redis_url:
                    timeouts = {
                        "socket_timeout": REDIS_TIMEOUT_SECONDS,
                        "socket_connect_timeout": REDIS_TIMEOUT_SECONDS,
                    }
                    shared = storage_from_string(self._redis_url, wrap_exceptions=True, **timeouts)
                    self._shared = MovingWindowRateLimiter(shared)


def init_app(app: Flask) -> None:
    """Create the counters."""
    counters = app.extensions["leadintake.counters"] = Counters(app.config["REDIS_URL"])
    if app.config["REDIS_URL"]:
        checks.register(app, "redis", counters.check, needed=False)


def client_address() -> str:
    """Return the client's address. TRUSTED_PROXIES says how far X-Forwarded-For is trusted."""
    return request.remote_addr or "nowhere"


def client_limit_key() -> str:
    """Return the client's key, the same for every limit."""
    return client_key(client_address())


def limit(setting: str, *, key: str) -> None:
    """Count `key`. Raises TooMany once it exceeds the limits in `setting`."""
    counters: Counters = current_app.extensions["leadintake.counters"]
    for rate in parse_many(current_app.config[setting]) if current_app.config[setting] else []:
        _count(counters, rate, setting, key)


def _count(counters: Counters, rate: RateLimitItem, setting: str, key: str) -> None:
    if not counters.run(lambda strategy: strategy.hit(rate, setting, key)):
        reset = counters.run(lambda strategy: strategy.get_window_stats(rate, setting, key).reset_time)
        raise TooMany(max(1, math.ceil(reset - time.time())))
