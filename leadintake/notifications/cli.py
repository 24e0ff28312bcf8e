"""flask worker and flask outbox."""

from __future__ import annotations

import re
import uuid
from typing import Any

import click
from flask import current_app
from flask.cli import with_appcontext

from leadintake.core.actor import OPERATOR
from leadintake.core.addresses import BadAddress, mail_address
from leadintake.core.cli.commands import Command, CommandGroup
from leadintake.core.cli.ids import StoredId
from leadintake.core.cli.output import format_option, show
from leadintake.core.db import revisions
from leadintake.core.db.transaction import transaction
from leadintake.core.names import PATTERN
from leadintake.notifications import rehearsal
from leadintake.notifications.channel_state import read_channel_state
from leadintake.notifications.channels.interface import (
    ChannelDown,
    DeliveryInterruption,
    PermanentFailure,
    SenderBlocked,
    TransientFailure,
)
from leadintake.notifications.embedded import install_stop_signal
from leadintake.notifications.mailboxes import mailboxes
from leadintake.notifications.models import Notification, Status
from leadintake.notifications.service import notifications
from leadintake.notifications.trial import send_test_message
from leadintake.notifications.worker import Worker

MESSAGE_ID = StoredId(Notification.id, "message")
outbox = CommandGroup("outbox", help="The messages we owe, sent and failed.")


@click.command("worker", cls=Command)
@click.option("--drain", is_flag=True, help="Send what is due, then exit.")
@with_appcontext
def worker(drain: bool) -> None:
    """Deliver messages until SIGTERM; the message in hand is finished."""
    instance = Worker(current_app._get_current_object())  # type: ignore[attr-defined] # LocalProxy's own
    stop = install_stop_signal()
    if not drain:
        instance.run(stop)
        return
    revisions.require()
    try:
        handled = instance.deliver_due(stop)
    except ChannelDown as error:
        raise click.ClickException(f"The mail server cannot be used: {error}") from error
    if state := read_channel_state():
        raise click.ClickException(
            f"{handled} handled. The mail server refuses us, at {state.step}: {state.words}"
        )
    click.echo(f"{handled} message(s) handled.")
    if sentence := rehearsal.explain():
        click.echo(sentence, err=True)


@outbox.command("list")
@click.option("--status", type=click.Choice([status.value for status in Status]))
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
@format_option()
def list_messages(status: str | None, limit: int, form: str) -> None:
    """Show messages, newest first."""
    if sentence := rehearsal.explain():
        click.echo(sentence, err=True)  # beside the list, which programs read
    page = notifications.page(Status(status) if status else None, reader=OPERATOR, limit=limit, cursor=None)
    row = _summarize if form == "table" else _describe
    rows = [row(message) for message in page.items]
    show(rows, form, empty="There is no such message.")


@outbox.command("retry")
@click.argument("notification_id", metavar="ID", type=MESSAGE_ID, required=False)
@click.option("--all-failed", is_flag=True, help="Every message that failed.")
def retry(notification_id: uuid.UUID | None, all_failed: bool) -> None:
    """Send message ID now, or with --all-failed every message that failed."""
    if all_failed is (notification_id is not None):
        raise click.UsageError("Name one message, or --all-failed.")
    if notification_id is not None:
        with transaction():
            notifications.retry(notification_id, actor=OPERATOR)
        click.echo("The message is queued and goes out within seconds.")
        return
    with transaction():
        number = notifications.retry_all_failed(actor=OPERATOR)
    click.echo(f"{number} message(s) queued; they go out as soon as the mail server takes them.")


@outbox.command("test")
@click.argument("address")
def send_test(address: str) -> None:
    """Send ADDRESS a test message now, and show what the mail server says."""
    try:
        reply = send_test_message(mail_address(address))
    except BadAddress as error:
        raise click.ClickException(f"{address!r} is not an e-mail address: {error}.") from error
    except ChannelDown as error:
        raise click.ClickException(f"The mail server cannot be used, at {error.step}: {error}") from error
    except SenderBlocked as error:
        words = f"Refused at {error.step}, which is about us and not this recipient: {error}"
        raise click.ClickException(words) from error
    except (TransientFailure, DeliveryInterruption) as error:
        raise click.ClickException(f"Not taken for now: {error}") from error
    except PermanentFailure as error:
        raise click.ClickException(f"Refused: {error}") from error
    click.echo(reply)


@outbox.command("prove")
@click.argument("name", metavar="ID")
@format_option()
def prove(name: str, form: str) -> None:
    """Show every attempt to deliver message ID, or every message of lead ID, with the server's reply."""
    about_lead = notifications.list_for_lead(name) if re.search(PATTERN, name) else ()
    messages = about_lead or [
        notifications.get(MESSAGE_ID.convert(name, None, click.get_current_context()), reader=OPERATOR)
    ]
    rows = [
        {
            "message": message.id,
            "kind": message.kind,
            "recipient": message.recipient,
            "at": attempt.created_at,
            "outcome": attempt.outcome,
            "reply": attempt.reply,
        }
        for message in messages
        for attempt in notifications.list_attempts(message.id)
    ]
    show(rows, form, empty="Nothing has been tried yet; the message is still queued.", seconds=True)


@outbox.command("suppress")
@click.argument("address")
def suppress(address: str) -> None:
    """Send ADDRESS no confirmations any more. Alerts to your own people are not concerned."""
    with transaction():
        mailboxes.suppress(address)
    click.echo("This address is sent no confirmations.")


@outbox.command("allow")
@click.argument("address")
def allow(address: str) -> None:
    """Send ADDRESS confirmations again."""
    with transaction():
        mailboxes.allow(address)
    click.echo("This address is sent confirmations again.")


@outbox.command("suppressed")
@format_option()
def list_suppressed(form: str) -> None:
    """Show the addresses that are sent no confirmations, latest first."""
    rows = [
        {"mailbox": suppression.mailbox, "since": suppression.created_at}
        for suppression in mailboxes.list_suppressed()
    ]
    show(rows, form, empty="Nobody asked for no mail.")


def _describe(message: Any) -> dict[str, object]:
    columns = ("id", "kind", "recipient", "status", "attempts", "due_at", "sent_at", "last_error")
    return {column: getattr(message, column) for column in columns}


def _summarize(message: Any) -> dict[str, object]:
    """Return the row of a message in a table. `at`: when it was sent, or is due."""
    return {
        "id": message.id,
        "status": message.status,
        "at": message.sent_at or message.due_at,
        "kind": message.kind.replace("_", " "),
        "recipient": message.recipient,
        "last_error": message.last_error,
    }
