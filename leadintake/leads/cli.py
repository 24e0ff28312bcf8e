"""flask leads: for an operator at the machine, who sees everything."""

from __future__ import annotations

import sys
import uuid

import click

from leadintake.auth.service import auth
from leadintake.core.commands import CommandGroup
from leadintake.core.tables import format_option, show
from leadintake.core.transaction import transaction
from leadintake.leads.files import as_csv, row_of
from leadintake.leads.models import Lead, LeadStatus
from leadintake.leads.schemas import LeadFilter
from leadintake.leads.service import leads

group = CommandGroup("leads", help="The leads of the firm.")
LEAD_ID = click.argument("lead_id", metavar="ID", type=click.UUID)
STATUS = click.option("--status", type=click.Choice([status.value for status in LeadStatus]))


@group.command("list")
@STATUS
@click.option("--limit", type=click.IntRange(1, 10000), default=50, show_default=True)
@format_option("csv")
def list_leads(status: str | None, limit: int, form: str) -> None:
    """Show leads, newest first."""
    page = leads.page(_filter(status), seen_by=None, limit=limit, cursor=None)
    row = _short if form == "table" else row_of
    show([row(lead) for lead in page.items], form, empty="There is no such lead yet.")


@group.command("show")
@LEAD_ID
@format_option()
def show_lead(lead_id: uuid.UUID, form: str) -> None:
    """Show lead ID and its history."""
    lead = _lead(lead_id)
    history = [
        {"at": event.at, "actor": event.actor, "action": event.action, "detail": event.detail}
        for event in leads.history(lead)
    ]
    if form == "json":
        show([{**row_of(lead), "warnings": lead.resume.warnings, "history": history}], form, empty="")
    else:
        row = {**row_of(lead), "warnings": " ".join(lead.resume.warnings)}
        show([{"field": name, "value": value} for name, value in row.items()], form, empty="")
        show(history, form, empty="Nothing has happened yet.")


@group.command("explain")
@LEAD_ID
@format_option()
def explain(lead_id: uuid.UUID, form: str) -> None:
    """Tell why lead ID went where it went."""
    lead = _lead(lead_id)
    row = {
        "assigned_to": lead.assigned_to.email if lead.assigned_to else None,
        "strategy": lead.assignment_strategy,
        "reason": lead.assignment_reason,
        "decided_at": lead.assigned_at,
    }
    show([row], form, empty="")


@group.command("reassign")
@LEAD_ID
@click.argument("email")
def reassign(lead_id: uuid.UUID, email: str) -> None:
    """Give lead ID to EMAIL, who is alerted."""
    with transaction():
        user = auth.find(email)
        if user is None:
            raise click.ClickException(f"There is no user {email}. `flask users list` shows them all.")
        leads.hold_all()
        leads.assign(leads.get_to_change(lead_id, seen_by=None), user.id, by=None)
    click.echo(f"Lead {lead_id} is now with {email}.")


@group.command("export")
@STATUS
def export(status: str | None) -> None:
    """Write all leads to standard output as CSV."""
    for lines in as_csv(leads.every(_filter(status), seen_by=None)):
        sys.stdout.write(lines)


def _short(lead: Lead) -> dict[str, object]:
    """As much of a lead as fits one line, with the whole id: every other command asks for it."""
    row = row_of(lead)
    name = f"{lead.first_name} {lead.last_name}"
    return {
        "id": lead.id,
        "created_at": row["created_at"],
        "name": name,
        **{column: row[column] for column in ("email", "status", "assigned_to")},
    }


def _filter(status: str | None) -> LeadFilter:
    return LeadFilter(status=LeadStatus(status) if status else None)


def _lead(lead_id: uuid.UUID) -> Lead:
    return leads.get(lead_id, seen_by=None)
