"""flask leads: for an operator, who sees all leads."""

from __future__ import annotations

import sys
import typing
from typing import Any

import click
import msgspec

from leadintake.auth.actor import UserOrOperator
from leadintake.auth.cli import user_named
from leadintake.core.actor import OPERATOR
from leadintake.core.cli.commands import CommandGroup
from leadintake.core.cli.ids import StoredId
from leadintake.core.cli.output import format_option, show, show_rest
from leadintake.core.cli.progress import track
from leadintake.core.db.transaction import transaction
from leadintake.leads.contacts.service import contacts
from leadintake.leads.fields import full_name
from leadintake.leads.files import lines_of, row_of
from leadintake.leads.matches import MAX_COUNTED
from leadintake.leads.models import Lead
from leadintake.leads.notes.service import notes
from leadintake.leads.reference import LeadKey, parse_reference
from leadintake.leads.schemas import OUTCOMES, HistoryItem, LeadFilter
from leadintake.leads.service import leads
from leadintake.leads.status import LeadStatus

MAX_NOTES = 10_000


class LeadKeyType(StoredId):
    """Argument of a command: the reference of a lead, its id, or the beginning of that."""

    key = "the id or the reference"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> LeadKey:  # type: ignore[override] # a reference is a key, too
        """Parse the key, or fail with status 2."""
        return parse_reference(str(value)) or super().convert(value, param, ctx)


group = CommandGroup("leads", help="The leads of the firm.")
LEAD_KEY = LeadKeyType(Lead.id, "lead")
LEAD_ID = click.argument("lead_id", metavar="ID", type=LEAD_KEY)
OUTCOME = click.option("--outcome", type=click.Choice(typing.get_args(OUTCOMES)))
STATUS = click.option("--status", type=click.Choice([status.value for status in LeadStatus]))
READER_OPTION = click.option("--as", "reader", metavar="EMAIL", help="See no more than this person would.")


@group.command("list")
@STATUS
@OUTCOME
@click.option("--limit", type=click.IntRange(1, 10000), default=50, show_default=True)
@READER_OPTION
@format_option("csv")
def list_leads(
    status: str | None, outcome: OUTCOMES | None, limit: int, reader: str | None, form: str
) -> None:
    """Show leads, newest first."""
    row = _summarize if form == "table" else row_of
    with transaction():
        filters, person = _filter(status, outcome), _reader(reader)
        page = leads.page(filters, reader=person, actor=OPERATOR, limit=limit, cursor=None)
        rows = [row(lead) for lead in page.items]
        total = leads.count(filters, reader=person) if page.next_cursor else 0
    show(rows, form, empty="There is no such lead yet.")
    show_rest(len(rows), total, form, at_least=MAX_COUNTED)


@group.command("show")
@LEAD_ID
@READER_OPTION
@format_option()
def show_lead(lead_id: LeadKey, reader: str | None, form: str) -> None:
    """Show lead ID, what was noted about it, and its history."""
    with transaction():
        lead = read_lead(lead_id, "detail", reader)
        person = _reader(reader)
        history = [
            msgspec.structs.asdict(HistoryItem.of(event, reader=person)) for event in leads.history(lead)
        ]
        remarks = _list_remarks(lead)
        details = {name: getattr(lead, name) for name in ("outcome_note", "outcome_at", "follow_up_note")}
        row = {**row_of(lead), "disclaimer": lead.disclaimer_version, **details}
        warnings = lead.resume.warnings if lead.resume else []
    if form == "json":
        show([{**row, "warnings": warnings, "notes": remarks, "history": history}], form, empty="")
    else:
        row |= {"id": str(row["id"]), "warnings": " ".join(warnings)}
        show([{"field": name, "value": value} for name, value in row.items()], form, empty="")
        if remarks:
            show(remarks, form, empty="")
        show(history, form, empty="Nothing has happened yet.")


@group.command("reassign")
@LEAD_ID
@click.argument("email")
def reassign(lead_id: LeadKey, email: str) -> None:
    """Give lead ID to EMAIL, who is alerted."""
    with transaction():
        user = user_named(email)
        with leads.edit(lead_id, OPERATOR, lock_assignment=True) as lead:
            leads.assign(lead, user.id, actor=OPERATOR)
    click.echo(f"Lead {lead_id} is now with {email}.")


@group.command("export")
@STATUS
@READER_OPTION
def export(status: str | None, reader: str | None) -> None:
    """Write all leads to standard output as CSV."""
    with transaction():
        filters, person = _filter(status), _reader(reader)
        number = leads.count(filters, reader=person) if sys.stderr.isatty() else 0
        rows = leads.iterate(filters, reader=person, actor=OPERATOR)
    length = number if number <= MAX_COUNTED else None
    for lines in lines_of(track(rows, "Exporting", length=length)):
        sys.stdout.write(lines)


def _summarize(lead: Lead) -> dict[str, object]:
    """Return the row of a lead in a table. Its reference is what other commands take."""
    return {
        "reference": lead.reference or lead.id,
        "created_at": lead.created_at,
        "name": full_name(lead.first_name, lead.last_name),
        "status": lead.status,
        "outcome": lead.outcome,
        "assigned_to": lead.assigned_to.name if lead.assigned_to else None,
        "email": lead.email,
    }


def _list_remarks(lead: Lead) -> list[dict[str, object]]:
    """Return the notes and contacts, newest first, as many as a page has of each."""
    rows: list[dict[str, Any]] = [
        {"at": note.created_at, "author": note.author.email, "note": note.text}
        for note in notes.page(lead, limit=MAX_NOTES, cursor=None).items
    ]
    rows += [
        {
            "at": contact.created_at,
            "author": contact.author.email,
            "note": ": ".join(filter(None, (contact.channel, contact.outcome, contact.note))),
        }
        for contact in contacts.page(lead, limit=MAX_NOTES, cursor=None).items
    ]
    return sorted(rows, key=lambda row: row["at"], reverse=True)


def _filter(status: str | None, outcome: OUTCOMES | None = None) -> LeadFilter:
    return LeadFilter(status=LeadStatus(status) if status else None, outcome=outcome)


def read_lead(lead_id: LeadKey, part: str, reader: str | None) -> Lead:
    """Return the lead if `reader` may open it, and audit the reading."""
    return leads.read(lead_id, part, reader=_reader(reader), actor=OPERATOR)


def _reader(email: str | None) -> UserOrOperator:
    """Return the user named by --as, or OPERATOR."""
    return OPERATOR if email is None else user_named(email)
