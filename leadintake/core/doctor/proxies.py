"""Detection of a proxy in front while TRUSTED_PROXIES is 0."""

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
    """Note an X-Forwarded-For that is ignored; log it once per process."""
    arrives = current_app.config["TRUSTED_PROXIES"] == 0 and "X-Forwarded-For" in request.headers
    if arrives and processes.note(FORWARDED):
        log.warning("proxy_not_trusted", cause=ADVICE)


def check_proxies() -> None:
    """Raise if a live server process received such a header."""
    if current_app.config["TRUSTED_PROXIES"] == 0 and any(
        FORWARDED in process.notes for process in processes.list_live(current_app)
    ):
        raise RuntimeError(ADVICE)
