"""flask leads screen, unscreen and screens: ethical walls, for an operator."""

from __future__ import annotations

import click

from leadintake.auth.cli import user_named
from leadintake.core.actor import OPERATOR
from leadintake.core.cli.output import format_option, show
from leadintake.core.db.transaction import transaction
from leadintake.leads.cli import LEAD_ID, group
from leadintake.leads.reference import LeadKey
from leadintake.leads.screens.service import screens
from leadintake.leads.service import leads

__all__ = ["group"]


@group.command("screen")
@LEAD_ID
@click.argument("email")
@click.option("--notice", required=True, help="Why, for those who may see the lead.")
def screen(lead_id: LeadKey, email: str, notice: str) -> None:
    """Bar EMAIL from lead ID: for them it does not exist, whatever their role."""
    with transaction():
        user = user_named(email)
        with leads.edit(lead_id, OPERATOR, lock_assignment=True) as lead:
            screens.set(lead, user.id, notice, actor=OPERATOR)
    click.echo(
        f"For {email} there is no lead {lead_id}. `flask leads show {lead_id} --as {email}` proves it."
    )


@group.command("unscreen")
@LEAD_ID
@click.argument("email")
def unscreen(lead_id: LeadKey, email: str) -> None:
    """Let EMAIL know of lead ID again."""
    with transaction():
        user = user_named(email)
        with leads.edit(lead_id, OPERATOR) as lead:
            screens.lift(lead, user.id, actor=OPERATOR)
    click.echo(f"{email} may know of lead {lead_id} again.")


@group.command("screens")
@LEAD_ID
@format_option()
def list_screens(lead_id: LeadKey, form: str) -> None:
    """Show who is barred from lead ID, and why."""
    with transaction():
        screens_of_lead = screens.read(leads.get(lead_id, reader=OPERATOR), actor=OPERATOR)
        rows = [
            {
                "user": screen.user.email,
                "notice": screen.notice,
                "set_by": screen.set_by,
                "set_at": screen.updated_at,
            }
            for screen in screens_of_lead
        ]
    show(rows, form, empty="Nobody is screened from this lead.")
