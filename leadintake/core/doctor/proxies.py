"""Whether there is a proxy in front that nobody told us of."""

from __future__ import annotations

from flask import current_app, request

from leadintake.core import processes

FORWARDED = "forwarded"


def note_forwarded() -> None:
    """Note that a proxy's header arrives which TRUSTED_PROXIES says to disregard."""
    if current_app.config["TRUSTED_PROXIES"] == 0 and "X-Forwarded-For" in request.headers:
        processes.note(FORWARDED)


def check_proxies() -> None:
    """Raise where a live server process has seen such a header."""
    if current_app.config["TRUSTED_PROXIES"] == 0 and any(
        FORWARDED in process.notes for process in processes.alive(current_app)
    ):
        raise RuntimeError(
            "X-Forwarded-For arrives and LEADINTAKE_TRUSTED_PROXIES is 0: all visitors count as the proxy "
            "and share its rate limits. Set it to the number of proxies in front, and restart."
        )
