"""flask leads screen, unscreen and screens: ethical walls, set by an operator at the machine."""

from __future__ import annotations

import click

from leadintake.auth.cli import user_named
from leadintake.core.tables import format_option, show
from leadintake.core.transaction import transaction
from leadintake.leads.cli import LEAD_ID, group
from leadintake.leads.models import Lead
from leadintake.leads.reference import LeadKey
from leadintake.leads.screens import screens
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
        screens.set(_held(lead_id), user.id, notice, by=None)
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
        screens.lift(_held(lead_id), user.id, by=None)
    click.echo(f"{email} may know of lead {lead_id} again.")


@group.command("screens")
@LEAD_ID
@format_option()
def list_screens(lead_id: LeadKey, form: str) -> None:
    """Show who is barred from lead ID, and why."""
    with transaction():
        found = screens.read(leads.get(lead_id, seen_by=None), by=None)
        rows = [
            {"user": one.user.email, "notice": one.notice, "set_by": one.set_by, "set_at": one.updated_at}
            for one in found
        ]
    show(rows, form, empty="Nobody is screened from this lead.")


def _held(lead_id: LeadKey) -> Lead:
    leads.hold_all()
    return leads.get_to_change(lead_id, seen_by=None)
