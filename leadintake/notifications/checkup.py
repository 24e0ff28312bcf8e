"""Checks of worker and mail for readiness and doctor."""

from __future__ import annotations

from flask import current_app

from leadintake.core.clock import now
from leadintake.notifications.channel_state import read_channel_state
from leadintake.notifications.channels.interface import ChannelDown
from leadintake.notifications.diagnosis import explain, explain_state
from leadintake.notifications.service import BEAT_LASTS, notifications


def check_worker() -> None:
    """Raise RuntimeError unless a worker is alive."""
    seen = notifications.find_last_beat()
    if seen is None or abs(now() - seen) > BEAT_LASTS:  # abs(): the clock may have been set back
        raise RuntimeError("No worker has been seen for a minute. Start one with `flask worker`.")


def check_mail() -> None:
    """Raise RuntimeError, with advice, unless mail leaves. Passes with the default folder of development."""
    try:
        with notifications.channel.open() as sender:
            sender.check()
    except ChannelDown as error:
        raise RuntimeError(explain(error, current_app.config)) from error
    if state := read_channel_state():
        raise RuntimeError(explain_state(state))
    if folder := current_app.config["MAIL_FOLDER"]:
        raise RuntimeError(
            f"Mails are written to {folder}: nobody is mailed. Set LEADINTAKE_MAIL_SERVER instead of "
            "LEADINTAKE_MAIL_FOLDER."
        )
