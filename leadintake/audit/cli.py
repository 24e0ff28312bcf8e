"""flask audit: verify, list, head."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import click

from leadintake.audit.chain import Broken, Head
from leadintake.audit.models import AuditEntry
from leadintake.audit.schemas import AuditFilter, row_of
from leadintake.audit.service import audit
from leadintake.audit.verification import find_head
from leadintake.audit.verification import verify as verify_trail
from leadintake.core.actor import OPERATOR
from leadintake.core.cli.commands import CommandGroup
from leadintake.core.cli.ids import StoredId
from leadintake.core.cli.output import format_option, show
from leadintake.core.cli.progress import show_progress
from leadintake.core.db.transaction import transaction
from leadintake.core.names import is_name

HEAD = re.compile(r"(?:(\d{1,18}):)?([0-9a-f]{64})|0:")
ACTOR_ID = StoredId(AuditEntry.actor_id, "user who did something")
SUBJECT_ID = StoredId(AuditEntry.subject_id, "lead or user that something was done to")
group = CommandGroup("audit", help="The audit trail: who did what, when, from where.")


@group.command("verify")
@click.option(
    "--head", "published", metavar="NUMBER:HASH", help="A head that was published before; its hash will do."
)
def verify(published: str | None) -> None:
    """Walk the whole trail; name the first entry that is missing or was altered."""
    try:
        head_to_find = None if published is None else _head(published)
        with show_progress("Reading") as advance:
            end = verify_trail(head_to_find, advance)
    except Broken as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"All {end.number} entries are as they were written. The head is {end}")


def _find_subject(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Return an id or a reference as it is, and the id of which the value is the beginning."""
    if value is None or is_name(value):
        return value
    return str(SUBJECT_ID.convert(value, param, ctx))


@group.command("list")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True)
@click.option("--action", help="Only this kind of act, such as lead.read.")
@click.option("--actor", type=ACTOR_ID, metavar="ID", help="Only what this user did.")
@click.option(
    "--about", metavar="ID", callback=_find_subject, help="Only what was done to this lead or user."
)
@click.option("--since", type=click.DateTime(), help="Only from this moment (UTC) on.")
@format_option("csv")
def list_entries(
    limit: int,
    action: str | None,
    actor: uuid.UUID | None,
    about: str | None,
    since: datetime | None,
    form: str,
) -> None:
    """Show entries, newest first."""
    first = since.replace(tzinfo=UTC) if since else None
    filters = AuditFilter(actor=actor, action=action, about=about, created_from=first)
    with transaction():
        entries = audit.iterate(filters, actor=OPERATOR)
    row = _short if form == "table" else _whole
    show([row(entry) for entry in islice(entries, limit)], form, empty="There is no such entry.")


@group.command("head")
def head() -> None:
    """Show where the trail ends: keep it where nobody on this machine can change it."""
    click.echo(str(audit.head()))


def _whole(entry: Any) -> dict[str, object]:
    """Return all of an entry, with the number that `verify` reports."""
    return {"number": entry.number, **row_of(entry)}


def _short(entry: Any) -> dict[str, object]:
    """Return an entry for one line. Filters take the ids as they are shown."""
    return {
        "number": entry.number,
        "at": entry.created_at,
        "actor": entry.actor_id or entry.origin or entry.actor_kind,
        "action": entry.action,
        "about": entry.subject_id or entry.subject_kind,
        "detail": entry.detail,
    }


def _head(text: str) -> Head:
    found = HEAD.fullmatch(text)
    if found is None:
        raise click.UsageError("A head is NUMBER:HASH, as `flask audit head` prints it, or its hash alone.")
    if found[2] is None:
        return Head(0, "")
    return find_head(found[2]) if found[1] is None else Head(int(found[1]), found[2])
