"""flask assignment report, flask assignment simulate and flask leads explain."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import click
from flask import current_app

from leadintake.assignment import policy
from leadintake.assignment.cli import DAY, group
from leadintake.assignment.policy import Policy
from leadintake.assignment.service import assignment
from leadintake.auth.service import auth
from leadintake.core.actor import OPERATOR
from leadintake.core.cli.output import format_option, show
from leadintake.core.cli.progress import show_progress
from leadintake.core.clock import firm_zone
from leadintake.core.db.transaction import transaction
from leadintake.leads.cli import LEAD_ID, READER_OPTION, read_lead
from leadintake.leads.cli import group as leads_group
from leadintake.leads.reference import LeadKey
from leadintake.leads.reports.explanation import list_candidates, summarize_decision
from leadintake.leads.reports.service import Line, report
from leadintake.leads.reports.simulation import simulate
from leadintake.leads.status import Outcome


@leads_group.command("explain")
@LEAD_ID
@READER_OPTION
@format_option()
def explain(lead_id: LeadKey, reader: str | None, form: str) -> None:
    """Tell why lead ID went where it went: every decision, and everybody it was between."""
    with transaction():
        lead = read_lead(lead_id, "explanation", reader)
        emails = {user.id: user.email for user in auth.everyone()}
        rows = [
            (summarize_decision(decision, emails), list_candidates(decision))
            for decision in assignment.of_lead(lead.id)
        ]
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
        result = report(since, until, actor=OPERATOR)
        rows = [
            _make_row(line)
            | ({"outcomes": _format_outcomes(line.outcomes)} if form == "table" else {**line.outcomes})
            for line in result.lines
        ]
    if form == "table":
        since, until = (when.astimezone(firm_zone()) for when in (result.created_from, result.created_to))
        click.echo(
            f"Leads that arrived from {since:%Y-%m-%d %H:%M %Z} to {until:%Y-%m-%d %H:%M %Z};", nl=False
        )
        click.echo(f" {result.waiting} of them wait for somebody.")
        click.echo(f"Outcomes: {_format_outcomes(result.outcomes) or 'none yet'}.")
    show(rows, form, empty="Nobody takes leads yet.")


@group.command("simulate")
@click.option("--policy", "file", type=click.Path(path_type=Path), required=True, help="Another TOML file.")
@click.option("--last", type=click.IntRange(1, 10_000), default=500, show_default=True)
@format_option()
def show_simulation(file: Path, last: int, form: str) -> None:
    """Replay the last leads under another policy and show the difference. Changes nothing."""
    policy = _read_policy(file)
    with show_progress("Replaying") as advance:
        result = simulate(policy, last=last, watch=advance)
    emails: dict[uuid.UUID | None, str] = {user.id: user.email for user in auth.everyone()}
    rows = [
        {
            "user": emails.get(user, "nobody"),
            "was": result.actual[user],
            "would_be": result.simulated[user],
            "difference": f"{result.simulated[user] - result.actual[user]:+d}",
        }
        for user in sorted({*result.actual, *result.simulated}, key=lambda user: emails.get(user, ""))
    ]
    if form == "table" and rows:
        click.echo(f"Of {result.leads} leads {result.moved} would have gone to another.")
    show(rows, form, empty="No lead came yet whose decision is on record.")


def _read_policy(file: Path) -> Policy:
    values = {name.lower(): current_app.config[name] for name in ("PRACTICE_AREAS", "LANGUAGES")}
    try:
        return policy.read(file, **values).with_time_zone(current_app.config["TIMEZONE"])
    except ValueError as error:
        raise click.ClickException(str(error)) from error


def _midnight(day: date) -> datetime:
    """Return the start of a day in the firm's time zone, as UTC."""
    return datetime.combine(day, time(), firm_zone()).astimezone(UTC)


def _make_row(line: Line) -> dict[str, object]:
    median = line.median_seconds_to_reach
    return {
        "email": line.user.email,
        "received": line.received,
        "open": line.open,
        "reached": line.reached,
        "median_hours_to_reach": None if median is None else round(median / 3600, 1),
        "declined": line.declined,
    }


def _format_outcomes(outcomes: Mapping[Outcome, int]) -> str:
    return ", ".join(f"{outcome} {number}" for outcome, number in outcomes.items() if number)
