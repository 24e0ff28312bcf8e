"""Whether mail reaches those it is for: on a restored copy and in a rehearsal it must not."""

from __future__ import annotations

from flask import current_app


def reason() -> str:
    """Why mail does not reach those it is for, in a sentence; an empty text where it does."""
    if current_app.config["MAIL_HOLD"]:
        return "MAIL_HOLD is on: no mail leaves, what is due waits."
    if address := current_app.config["MAIL_REDIRECT_TO"]:
        return f"MAIL_REDIRECT_TO is set: every mail goes to {address}."
    return ""


def check() -> None:
    """Raise where mail does not reach those it is for."""
    if sentence := reason():
        raise RuntimeError(sentence)
