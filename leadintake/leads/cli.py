"""flask leads: for an operator at the machine, who sees everything."""

from __future__ import annotations

import sys

import click

from leadintake.auth.cli import user_named
from leadintake.auth.models import User
from leadintake.core.commands import CommandGroup
from leadintake.core.tables import format_option, show
from leadintake.core.transaction import transaction
from leadintake.leads.files import lines_of, row_of
from leadintake.leads.models import Lead, LeadStatus
from leadintake.leads.reference import LeadKey, LeadKeyType
from leadintake.leads.schemas import LeadFilter
from leadintake.leads.service import leads

group = CommandGroup("leads", help="The leads of the firm.")
LEAD_ID = click.argument("lead_id", metavar="ID", type=LeadKeyType())
STATUS = click.option("--status", type=click.Choice([status.value for status in LeadStatus]))
SEEN_AS = click.option("--as", "reader", metavar="EMAIL", help="See no more than this person would.")


@group.command("list")
@STATUS
@click.option("--limit", type=click.IntRange(1, 10000), default=50, show_default=True)
@SEEN_AS
@format_option("csv")
def list_leads(status: str | None, limit: int, reader: str | None, form: str) -> None:
    """Show leads, newest first."""
    row = _short if form == "table" else row_of
    with transaction():
        page = leads.page(_filter(status), seen_by=_seen_by(reader), by=None, limit=limit, cursor=None)
        rows = [row(lead) for lead in page.items]
    show(rows, form, empty="There is no such lead yet.")


@group.command("show")
@LEAD_ID
@SEEN_AS
@format_option()
def show_lead(lead_id: LeadKey, reader: str | None, form: str) -> None:
    """Show lead ID and its history."""
    with transaction():
        lead = lead_to_read(lead_id, "detail", reader)
        history = [
            {"at": event.at, "actor": event.actor, "action": event.action, "detail": event.detail}
            for event in leads.history(lead)
        ]
        row, warnings = {**row_of(lead), "disclaimer": lead.disclaimer_version}, lead.resume.warnings
    if form == "json":
        show([{**row, "warnings": warnings, "history": history}], form, empty="")
    else:
        row["warnings"] = " ".join(warnings)
        show([{"field": name, "value": value} for name, value in row.items()], form, empty="")
        show(history, form, empty="Nothing has happened yet.")


@group.command("reassign")
@LEAD_ID
@click.argument("email")
def reassign(lead_id: LeadKey, email: str) -> None:
    """Give lead ID to EMAIL, who is alerted."""
    with transaction():
        user = user_named(email)
        leads.hold_all()
        leads.assign(leads.get_to_change(lead_id, seen_by=None), user.id, by=None)
    click.echo(f"Lead {lead_id} is now with {email}.")


@group.command("export")
@STATUS
@SEEN_AS
def export(status: str | None, reader: str | None) -> None:
    """Write all leads to standard output as CSV."""
    with transaction():
        found = leads.every(_filter(status), seen_by=_seen_by(reader), by=None)
    for lines in lines_of(found):
        sys.stdout.write(lines)


def _short(lead: Lead) -> dict[str, object]:
    """As much of a lead as fits one line, with what names it whole: every other command takes either."""
    row = row_of(lead)
    name = f"{lead.first_name} {lead.last_name}"
    return {
        "id": lead.id,
        "reference": lead.reference,
        "created_at": row["created_at"],
        "name": name,
        **{column: row[column] for column in ("email", "status", "assigned_to")},
    }


def _filter(status: str | None) -> LeadFilter:
    return LeadFilter(status=LeadStatus(status) if status else None)


def lead_to_read(lead_id: LeadKey, what: str, reader: str | None) -> Lead:
    """The lead, as far as `reader` may see it, with the reading on record."""
    return leads.read(lead_id, what, seen_by=_seen_by(reader), by=None)


def _seen_by(reader: str | None) -> User | None:
    """Whose eyes to look through: those of --as, or the operator's, who sees all."""
    return None if reader is None else user_named(reader)
