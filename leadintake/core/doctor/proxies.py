"""Whether a proxy sends X-Forwarded-For while TRUSTED_PROXIES is 0."""

from __future__ import annotations

import structlog
from flask import current_app, request

from leadintake.core import processes

FORWARDED = "forwarded"
ADVICE = (
    "X-Forwarded-For arrives and LEADINTAKE_TRUSTED_PROXIES is 0: all visitors count as the proxy "
    "and share its rate limits. Set it to the number of proxies in front, and restart."
)
log = structlog.get_logger()


def note_forwarded() -> None:
    """Note, and log once a process, that a proxy's header arrives which TRUSTED_PROXIES says to disregard."""
    arrives = current_app.config["TRUSTED_PROXIES"] == 0 and "X-Forwarded-For" in request.headers
    if arrives and processes.note(FORWARDED):
        log.warning("proxy_not_trusted", cause=ADVICE)


def check_proxies() -> None:
    """Raise where a live server process has seen such a header."""
    if current_app.config["TRUSTED_PROXIES"] == 0 and any(
        FORWARDED in process.notes for process in processes.alive(current_app)
    ):
        raise RuntimeError(ADVICE)
