"""MAIL_HOLD and MAIL_REDIRECT_TO: no mail of a restored copy or rehearsal reaches its recipients."""

from __future__ import annotations

from flask import current_app


def explain() -> str:
    """Return why mail does not reach its recipients (a sentence), or an empty text."""
    if current_app.config["MAIL_HOLD"]:
        return "MAIL_HOLD is on: no mail leaves, what is due waits."
    if address := current_app.config["MAIL_REDIRECT_TO"]:
        return f"MAIL_REDIRECT_TO is set: every mail goes to {address}."
    return ""


def check() -> None:
    """Raise RuntimeError if mail does not reach its recipients. The watchdog is silent then, too."""
    if sentence := explain():
        raise RuntimeError(f"{sentence} No receiver of incidents is told, and no heartbeat is sent.")
