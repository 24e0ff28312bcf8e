"""Sentences of the doctor about the mail server."""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Mapping
from typing import Any

from leadintake.core.clock import format_local
from leadintake.notifications.channel_state import ALL_MAIL, ChannelState
from leadintake.notifications.channels.interface import ChannelDown

ADVICE_BY_ERROR: tuple[tuple[type[BaseException], str, str], ...] = (
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
"""The first match counts, since some are subclasses of others."""


def explain(error: ChannelDown, config: Mapping[str, Any]) -> str:
    """Return one line: server, problem, reply, advice."""
    cause = error.__cause__
    if not config["MAIL_SERVER"]:
        return f"Mails cannot be written: {error}. Give the folder to the service's user, with room in it."
    server = f"{config['MAIL_SERVER']}:{config['MAIL_PORT']}"
    for failure, problem, advice in ADVICE_BY_ERROR:
        if isinstance(cause, failure):
            return f"{server} {problem.format_map(config)}: {_format_cause(cause)}. {advice}"
    return f"{server}: {error}. Mend LEADINTAKE_MAIL_SERVER, LEADINTAKE_MAIL_USERNAME and its password."


def explain_state(state: ChannelState) -> str:
    """Return one line: scope, since when, step, reply, advice."""
    subject = "Mail" if state.scope == ALL_MAIL else "Mail to prospects"
    since = format_local(state.since)
    advice = "Mend what it names, then run `flask outbox test ADDRESS`."
    return f"{subject} has not left since {since}, refused at {state.step}: {state.words}. {advice}"


def _format_cause(cause: BaseException | None) -> str:
    reply: Any = getattr(cause, "smtp_error", None)
    if reply is None:
        return (str(cause).strip() or type(cause).__name__).partition("\n")[0].rstrip(".")
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else str(reply)
    return f"{getattr(cause, 'smtp_code', '')} {' '.join(text.split())}".rstrip(".")
