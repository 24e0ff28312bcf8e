"""flask leads proof: the proof sheet, for an operator."""

from __future__ import annotations

import click
import msgspec

from leadintake.core.actor import OPERATOR
from leadintake.core.db.transaction import transaction
from leadintake.leads.cli import LEAD_ID, group
from leadintake.leads.proof.service import read_proof
from leadintake.leads.reference import LeadKey

__all__ = ["group"]


@group.command("proof")
@LEAD_ID
def show_proof(lead_id: LeadKey) -> None:
    """Print all that is on record about lead ID as JSON, with what was hashed of each audit entry."""
    with transaction():
        sheet = msgspec.json.encode(read_proof(lead_id, actor=OPERATOR))
    click.echo(msgspec.json.format(sheet, indent=2))
