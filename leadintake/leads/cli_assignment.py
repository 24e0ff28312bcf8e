"""flask assignment report and simulate, and flask leads explain: what was decided, and what would be."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import click
from flask import current_app

from leadintake.assignment import facts, policy
from leadintake.assignment.cli import DAY, group
from leadintake.assignment.models import AssignmentDecision
from leadintake.assignment.policy import Policy
from leadintake.assignment.service import assignment
from leadintake.auth.service import auth
from leadintake.core.tables import format_option, show
from leadintake.core.transaction import transaction
from leadintake.leads.cli import LEAD_ID, SEEN_AS, lead_to_read
from leadintake.leads.cli import group as leads_group
from leadintake.leads.reference import LeadKey
from leadintake.leads.reports import Line, report
from leadintake.leads.simulation import simulate


@leads_group.command("explain")
@LEAD_ID
@SEEN_AS
@format_option()
def explain(lead_id: LeadKey, reader: str | None, form: str) -> None:
    """Tell why lead ID went where it went: every decision, and everybody it was between."""
    with transaction():
        lead = lead_to_read(lead_id, "explanation", reader)
        decided = [(one, _everybody(one)) for one in assignment.of_lead(lead.id)]
        emails = {user.id: user.email for user in auth.everyone()}
        rows = [(_short(one, emails), people) for one, people in decided]
        now = {
            "assigned_to": lead.assigned_to.email if lead.assigned_to else None,
            "strategy": lead.assignment_strategy,
            "reason": lead.assignment_reason,
            "decided_at": lead.assigned_at,
        }
    if form == "json":
        show([{**now, "decisions": [{**row, "candidates": people} for row, people in rows]}], form, empty="")
        return
    show([now], form, empty="")
    for row, people in rows:
        click.echo()
        show([row], form, empty="")
        show(people, form, empty="A person decided.")


@group.command("report")
@click.option("--from", "first_day", type=DAY, help="The first day. Without it: thirty days before the last.")
@click.option("--to", "last_day", type=DAY, help="The last day. Without it: today.")
@format_option("csv")
def show_report(first_day: date | None, last_day: date | None, form: str) -> None:
    """Show how the leads of a period were shared, and how soon prospects were reached."""
    with transaction():
        since = _midnight(first_day) if first_day else None
        until = _midnight(last_day + timedelta(days=1)) if last_day else None
        found = report(since, until, seen_by=None)
        rows = [_row(line) for line in found.lines]
    if form == "table":
        click.echo(f"Leads that arrived from {found.created_from:%Y-%m-%d %H:%M} UTC", nl=False)
        click.echo(f" to {found.created_to:%Y-%m-%d %H:%M} UTC; {found.waiting} of them wait for somebody.")
    show(rows, form, empty="Nobody takes leads yet.")


@group.command("simulate")
@click.option("--policy", "file", type=click.Path(path_type=Path), required=True, help="Another TOML file.")
@click.option("--last", type=click.IntRange(1, 10_000), default=500, show_default=True)
@format_option()
def show_simulation(file: Path, last: int, form: str) -> None:
    """Replay the last leads under another policy and show the difference. Changes nothing."""
    found = simulate(_read(file), last=last)
    emails: dict[uuid.UUID | None, str] = {user.id: user.email for user in auth.everyone()}
    rows = [
        {
            "user": emails.get(user, "nobody"),
            "was": found.was[user],
            "would_be": found.would[user],
            "difference": f"{found.would[user] - found.was[user]:+d}",
        }
        for user in sorted({*found.was, *found.would}, key=lambda user: emails.get(user, ""))
    ]
    if form == "table" and rows:
        click.echo(f"Of {found.leads} leads {found.moved} would have gone to another.")
    show(rows, form, empty="No lead came yet whose decision is on record.")


def _read(file: Path) -> Policy:
    known = {name.lower(): current_app.config[name] for name in ("PRACTICE_AREAS", "LANGUAGES")}
    try:
        return policy.read(file, **known)
    except ValueError as error:
        raise click.ClickException(str(error)) from error


def _midnight(day: date) -> datetime:
    """The first instant of a day in the firm's clock."""
    return datetime.combine(day, time(), policy.current().zone()).astimezone(UTC)


def _short(one: AssignmentDecision, emails: dict[uuid.UUID, str]) -> dict[str, object]:
    return {
        "decided_at": one.created_at,
        "cause": one.cause,
        "to": emails.get(one.user_id) if one.user_id else None,
        "strategy": one.strategy,
        "policy": one.policy,
        "reason": one.reason,
    }


def _everybody(one: AssignmentDecision) -> list[dict[str, object]]:
    """Who it was between: the chosen first, then those who could, then those left out."""
    if not one.record:
        return []
    kept, rows = facts.read(one.record), []
    order = {one.user_id: 0} | dict.fromkeys(kept.decision.excluded, 2)
    for each in sorted(kept.situation.candidates, key=lambda each: order.get(each.user_id, 1)):
        chosen, excluded = each.user_id == one.user_id, kept.decision.excluded.get(each.user_id)
        row = {
            "name": each.name,
            "verdict": "chosen" if chosen else excluded or "eligible",
            "open_leads": each.open_leads,
            "weight": each.weight,
            "last_turn": each.last_turn,
            "score": kept.decision.scores.get(each.user_id, ""),
            "tie_break": kept.decision.tie_break if chosen else "",
        }
        rows.append(row)
    return rows


def _row(line: Line) -> dict[str, object]:
    median = line.median_seconds_to_reach
    return {
        "email": line.user.email,
        "received": line.received,
        "open": line.open,
        "reached": line.reached,
        "median_hours_to_reach": None if median is None else round(median / 3600, 1),
        "declined": line.declined,
    }
