"""A proxy in front while TRUSTED_PROXIES is 0."""

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
    """Note, and log once per process, an X-Forwarded-For that TRUSTED_PROXIES says to ignore."""
    arrives = current_app.config["TRUSTED_PROXIES"] == 0 and "X-Forwarded-For" in request.headers
    if arrives and processes.note(FORWARDED):
        log.warning("proxy_not_trusted", cause=ADVICE)


def check_proxies() -> None:
    """Raise where a live server process received such a header."""
    if current_app.config["TRUSTED_PROXIES"] == 0 and any(
        FORWARDED in process.notes for process in processes.list_live(current_app)
    ):
        raise RuntimeError(ADVICE)
