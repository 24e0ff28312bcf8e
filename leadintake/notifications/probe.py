"""Try the mail server as far as one can without sending: for the doctor, and for new addresses."""

from __future__ import annotations

import contextlib
import smtplib
from dataclasses import dataclass

from flask import current_app

from leadintake.notifications.channels import Channel, ChannelDown
from leadintake.notifications.faults import Fault, Step, judge
from leadintake.notifications.replies import error_words, reply_words
from leadintake.notifications.smtp import (
    OPENING_SECONDS,
    SmtpChannel,
    VerifiedConnection,
    ehlo_name,
)


@dataclass(frozen=True, slots=True)
class TriedStep:
    """A step of the conversation, and what the server said to it."""

    step: Step
    sent: str
    """What we said, without a password: the host, our name, the account, the address."""
    words: str
    accepted: bool


def try_server() -> list[TriedStep]:
    """Connect, greet, secure, sign in, and name our sender and a recipient; then take it back.

    Steps in their order, the last one not accepted where the server refuses us; empty where there is no
    server. The recipient is our sender's own address: many servers judge name and sender only then. That it
    has no mailbox there is accepted, for it says nothing of us.
    """
    channel = current_app.extensions["leadintake.channel"]
    if not isinstance(channel, SmtpChannel):
        return []
    connection = VerifiedConnection(channel.mail)
    try:
        host = connection.configure_host()
    except (OSError, smtplib.SMTPException, ValueError) as error:
        return [
            *_opened(connection),
            TriedStep(connection.step, _sent(connection.step), error_words(error), False),
        ]
    tried = _opened(connection)
    try:
        with host.within(OPENING_SECONDS):
            _envelope(host, tried)
            host.rset()
            host.quit()
    except (OSError, smtplib.SMTPException) as error:
        step = Step.RCPT if tried[-1].step is Step.MAIL else Step.MAIL
        if tried[-1].step is not Step.RCPT:  # the goodbye is of no interest
            tried.append(TriedStep(step, _sent(step), error_words(error), False))
    finally:
        with contextlib.suppress(OSError):
            host.close()
    return tried


def unreachable(address: str) -> str:
    """Why no mail can ever reach this address; an empty text where it may, or where one cannot know."""
    if address.rpartition("@")[0].isascii():
        return ""
    channel: Channel = current_app.extensions["leadintake.channel"]
    try:
        with channel.opened() as sender:
            taken = sender.takes_utf8()
    except ChannelDown:
        return ""
    return "" if taken else "the mail server takes only ASCII letters before the @ (no SMTPUTF8)"


def _envelope(host: smtplib.SMTP, tried: list[TriedStep]) -> None:
    sender = str(current_app.config["MAIL_DEFAULT_SENDER"])
    for step, ask in ((Step.MAIL, host.mail), (Step.RCPT, host.rcpt)):
        code, text = ask(sender)
        words = reply_words(code, text)
        fine = code < 400 or (step is Step.RCPT and judge(step, code, words[4:]) is not Fault.OURS)
        tried.append(TriedStep(step, _sent(step), words, fine))
        if not fine:
            return


def _opened(connection: VerifiedConnection) -> list[TriedStep]:
    return [TriedStep(step, _sent(step), words, True) for step, words in connection.replies.items()]


def _sent(step: Step) -> str:
    config = current_app.config
    said = {
        Step.CONNECT: f"{config['MAIL_SERVER']}:{config['MAIL_PORT']}",
        Step.EHLO: ehlo_name(),
        Step.AUTH: config["MAIL_USERNAME"],
    }
    return str(said.get(step, "" if step is Step.STARTTLS else config["MAIL_DEFAULT_SENDER"]))
