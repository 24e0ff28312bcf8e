"""flask leads quarantine: submissions that looked like spam, for an operator at the machine."""

from __future__ import annotations

import click

from leadintake.core.commands import CommandGroup
from leadintake.core.tables import format_option, show
from leadintake.core.transaction import transaction
from leadintake.leads.cli import LEAD_ID
from leadintake.leads.cli import group as leads_group
from leadintake.leads.models import Lead
from leadintake.leads.quarantine import quarantine
from leadintake.leads.reference import LeadKey
from leadintake.leads.service import leads

group = CommandGroup("quarantine", help="Submissions that looked like spam.")
leads_group.add_command(group)


@group.command("list")
@click.option("--limit", type=click.IntRange(1, 10000), default=50, show_default=True)
@format_option()
def list_quarantined(limit: int, form: str) -> None:
    """Show them, newest first."""
    with transaction():
        page = quarantine.page(seen_by=None, limit=limit, cursor=None)
        rows = [
            {
                "id": lead.id,
                "reference": lead.reference,
                "at": lead.quarantined_at,
                "name": f"{lead.first_name} {lead.last_name}",
                "email": lead.email,
                "reason": lead.quarantine_reason,
            }
            for lead in page.items
        ]
    show(rows, form, empty="Nothing is in quarantine.")


@group.command("release")
@LEAD_ID
def release(lead_id: LeadKey) -> None:
    """Let lead ID in after all: it is assigned, and everybody is told."""
    with transaction():
        lead = _held(lead_id)
        quarantine.release(lead, by=None)
        whose = lead.assigned_to.email if lead.assigned_to else "nobody yet"
    click.echo(f"Lead {lead_id} is with {whose}.")


@group.command("discard")
@LEAD_ID
def discard(lead_id: LeadKey) -> None:
    """Put lead ID away."""
    with transaction():
        quarantine.discard(_held(lead_id), by=None)
    click.echo(f"Lead {lead_id} is put away.")


def _held(lead_id: LeadKey) -> Lead:
    leads.hold_all()
    return leads.get_to_change(lead_id, seen_by=None, quarantined=True)
