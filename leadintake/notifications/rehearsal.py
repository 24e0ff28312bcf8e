"""MAIL_HOLD and MAIL_REDIRECT_TO: mail of a restored copy or rehearsal must not reach its recipients."""

from __future__ import annotations

from flask import current_app


def explain() -> str:
    """Return in a sentence why mail does not reach its recipients, or an empty text."""
    if current_app.config["MAIL_HOLD"]:
        return "MAIL_HOLD is on: no mail leaves, what is due waits."
    if address := current_app.config["MAIL_REDIRECT_TO"]:
        return f"MAIL_REDIRECT_TO is set: every mail goes to {address}."
    return ""


def check() -> None:
    """Raise RuntimeError if mail does not reach its recipients; then the watchdog sends nothing either."""
    if sentence := explain():
        raise RuntimeError(f"{sentence} No receiver of incidents is told, and no heartbeat is sent.")
