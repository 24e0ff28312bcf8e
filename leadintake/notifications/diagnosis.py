"""What the doctor says of a mail server: its own sentence, and what to do about it."""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Mapping
from typing import Any

from leadintake.notifications.channel_state import EVERYBODY, ChannelState
from leadintake.notifications.channels import ChannelDown

BY_FAILURE: tuple[tuple[type[BaseException], str, str], ...] = (
    (
        smtplib.SMTPAuthenticationError,
        "refuses our sign-in",
        "Mend LEADINTAKE_MAIL_USERNAME and LEADINTAKE_MAIL_PASSWORD.",
    ),
    (
        smtplib.SMTPSenderRefused,
        "takes no mail from {MAIL_DEFAULT_SENDER}",
        "Set LEADINTAKE_MAIL_DEFAULT_SENDER to an address that our account there may send for.",
    ),
    (
        smtplib.SMTPNotSupportedError,
        "lacks something we ask for",
        "Without STARTTLS try LEADINTAKE_MAIL_PORT=465 with LEADINTAKE_MAIL_USE_SSL=true; without AUTH leave "
        "out LEADINTAKE_MAIL_USERNAME.",
    ),
    (
        smtplib.SMTPHeloError,
        "refuses our name",
        "Set LEADINTAKE_MAIL_EHLO_NAME to the full host name of this machine.",
    ),
    (
        smtplib.SMTPServerDisconnected,
        "hangs up",
        "Look in its log; on port 465 set LEADINTAKE_MAIL_USE_SSL=true.",
    ),
    (
        smtplib.SMTPResponseException,
        "refuses us",
        "Look in its log, and ask its operator to let this machine in.",
    ),
    (
        ssl.SSLCertVerificationError,
        "shows a certificate that cannot be verified",
        "Use the name in its certificate as LEADINTAKE_MAIL_SERVER, or give it one of a known authority.",
    ),
    (
        ssl.SSLError,
        "does not speak TLS as we do",
        "LEADINTAKE_MAIL_USE_SSL is for port 465, LEADINTAKE_MAIL_USE_TLS for port 587.",
    ),
    (socket.gaierror, "has no address", "Mend LEADINTAKE_MAIL_SERVER, or this machine's name service."),
    (
        OSError,
        "cannot be reached",
        "Mend LEADINTAKE_MAIL_SERVER and LEADINTAKE_MAIL_PORT, start the server, or open the firewall to it.",
    ),
)
"""The first that fits; some are kinds of others."""


def explain(error: ChannelDown, config: Mapping[str, Any]) -> str:
    """One line: who does what, in the server's own words, and what to do."""
    cause = error.__cause__
    if not config["MAIL_SERVER"]:
        return f"Mails cannot be written: {error}. Give the folder to the service's user, with room in it."
    server = f"{config['MAIL_SERVER']}:{config['MAIL_PORT']}"
    for failure, what, advice in BY_FAILURE:
        if isinstance(cause, failure):
            return f"{server} {what.format_map(config)}: {_words_of(cause)}. {advice}"
    return f"{server}: {error}. Mend LEADINTAKE_MAIL_SERVER, LEADINTAKE_MAIL_USERNAME and its password."


def explain_state(state: ChannelState) -> str:
    """One line: since when the server refuses us, in its own words, and what to do."""
    which = "Mail" if state.scope == EVERYBODY else "Mail to prospects"
    since = f"{state.since:%Y-%m-%d %H:%M} UTC"
    advice = "Mend what it names, then run `flask outbox test ADDRESS`."
    return f"{which} has not left since {since}, refused at {state.step}: {state.words}. {advice}"


def _words_of(cause: BaseException | None) -> str:
    """What the server said, in one line, or else what the system says."""
    said: Any = getattr(cause, "smtp_error", None)
    if said is None:
        return (str(cause).strip() or type(cause).__name__).partition("\n")[0].rstrip(".")
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    return f"{getattr(cause, 'smtp_code', '')} {' '.join(text.split())}".rstrip(".")
