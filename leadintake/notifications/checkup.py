"""Whether workers live and mail leaves: what readiness and the doctor ask."""

from __future__ import annotations

from flask import current_app

from leadintake.core.clock import now
from leadintake.notifications.channel_state import channel_state
from leadintake.notifications.channels import ChannelDown
from leadintake.notifications.diagnosis import explain, explain_state
from leadintake.notifications.service import BEAT_LASTS, notifications


def check_worker() -> None:
    """Raise unless a worker is alive."""
    seen = notifications.last_beat()
    if seen is None or abs(now() - seen) > BEAT_LASTS:  # from the future, if the clock was set back
        raise RuntimeError("No worker has been seen for a minute. Start one with `flask worker`.")


def check_mail() -> None:
    """Raise, with what to do, unless the channel would begin with a message to people, and none is kept back.

    The folder of a trial that nobody named (MAIL_FOLDER) is all right: production has none.
    """
    try:
        with notifications.channel.opened() as sender:
            sender.check()
    except ChannelDown as error:
        raise RuntimeError(explain(error, current_app.config)) from error
    if state := channel_state():
        raise RuntimeError(explain_state(state))
    if folder := current_app.config["MAIL_FOLDER"]:
        raise RuntimeError(
            f"Mails are written to {folder}: nobody is mailed. Set LEADINTAKE_MAIL_SERVER instead of "
            "LEADINTAKE_MAIL_FOLDER."
        )
