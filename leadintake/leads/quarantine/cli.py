"""flask leads quarantine: suspected spam, for an operator."""

from __future__ import annotations

import click

from leadintake.core.actor import OPERATOR
from leadintake.core.cli.commands import CommandGroup
from leadintake.core.cli.output import format_option, show
from leadintake.core.db.transaction import transaction
from leadintake.leads.cli import LEAD_ID
from leadintake.leads.cli import group as leads_group
from leadintake.leads.fields import full_name
from leadintake.leads.quarantine.service import quarantine
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
        page = quarantine.page(actor=OPERATOR, limit=limit, cursor=None)
        rows = [
            {
                "id": lead.id,
                "reference": lead.reference,
                "at": lead.quarantined_at,
                "name": full_name(lead.first_name, lead.last_name),
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
        with leads.edit(lead_id, OPERATOR, lock_assignment=True, quarantined=True) as lead:
            quarantine.release(lead, actor=OPERATOR)
        owner = lead.assigned_to.email if lead.assigned_to else "nobody yet"
    click.echo(f"Lead {lead_id} is with {owner}.")


@group.command("discard")
@LEAD_ID
def discard(lead_id: LeadKey) -> None:
    """Put lead ID away."""
    with transaction(), leads.edit(lead_id, OPERATOR, quarantined=True) as lead:
        quarantine.discard(lead, actor=OPERATOR)
    click.echo(f"Lead {lead_id} is discarded.")
