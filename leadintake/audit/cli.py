"""flask audit: verify, list, head."""

from __future__ import annotations

import re
import sys
import uuid
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import click

from leadintake.audit.chain import Broken, Head
from leadintake.audit.schemas import AuditFilter, row_of
from leadintake.audit.service import audit
from leadintake.audit.verification import verify as verify_trail
from leadintake.core.actor import OPERATOR
from leadintake.core.cli.commands import CommandGroup
from leadintake.core.cli.output import format_option, show
from leadintake.core.db.transaction import transaction
from leadintake.core.names import PATTERN

HEAD = re.compile(r"(\d{1,18}):([0-9a-f]{64}|)")
group = CommandGroup("audit", help="The audit trail: who did what, when, from where.")


@group.command("verify")
@click.option("--head", "published", metavar="NUMBER:HASH", help="A head that was published before.")
def verify(published: str | None) -> None:
    """Walk the whole trail; name the first entry that is missing or was altered."""
    head_to_find = None if published is None else _head(published)
    watched = sys.stderr.isatty()

    def watch(number: int) -> None:
        if watched:
            click.echo(f"\r{number} entries", nl=False, err=True)

    try:
        end = verify_trail(head_to_find, watch)
    except Broken as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"All {end.number} entries are as they were written. The head is {end}")


def _check_name(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Fail with status 2 unless the value is an id or a reference."""
    if value is not None and not re.search(PATTERN, value):
        raise click.BadParameter(f"{value!r} is neither an id nor the reference of a lead.", ctx, param)
    return value


@group.command("list")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True)
@click.option("--action", help="Only this kind of act, such as lead.read.")
@click.option("--actor", type=click.UUID, metavar="ID", help="Only what this user did.")
@click.option("--about", metavar="ID", callback=_check_name, help="Only what was done to this lead or user.")
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
    """Return an entry for one line. Ids stay whole, since filters need them."""
    return {
        "number": entry.number,
        "at": entry.created_at,
        "actor": f"{entry.actor_kind} {entry.actor_id or ''}".strip(),
        "action": entry.action,
        "about": f"{entry.subject_kind} {entry.subject_id or ''}".strip(),
        "origin": entry.origin,
        "detail": entry.detail,
    }


def _head(text: str) -> Head:
    found = HEAD.fullmatch(text)
    if found is None:
        raise click.UsageError("A head is NUMBER:HASH, as `flask audit head` prints it.")
    return Head(int(found[1]), found[2])
