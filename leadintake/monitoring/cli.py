"""flask doctor, flask watchdog and flask metrics."""

from __future__ import annotations

import click
from flask import current_app
from flask.cli import with_appcontext

from leadintake.core import checks
from leadintake.core.cli.commands import Command
from leadintake.core.cli.output import format_option, show
from leadintake.monitoring import metrics
from leadintake.monitoring.watchdog import Watchdog
from leadintake.notifications.embedded import install_stop_signal


@click.command("doctor", cls=Command)
@format_option()
@with_appcontext
def doctor(form: str) -> None:
    """Say what is wrong with the installation and what to do, a line each; exit status 1 if anything is."""
    # An invalid configuration stops the command earlier.
    found = [checks.Finding("configuration", "ok", ""), *checks.findings()]
    show([finding._asdict() for finding in found], form, empty="")
    wrong = [finding.part for finding in found if finding.state == "wrong"]
    if wrong:
        raise click.ClickException(f"Not well: {', '.join(wrong)}.")


@click.command("watchdog", cls=Command)
@click.option("--once", is_flag=True, help="Make one round, show what is wrong, and exit.")
@format_option()
@with_appcontext
def run_watchdog(once: bool, form: str) -> None:
    """Tell PagerDuty, a webhook and a heartbeat what is wrong, every minute until SIGTERM."""
    watchdog = Watchdog(current_app._get_current_object())  # type: ignore[attr-defined] # LocalProxy's own
    if not once:
        watchdog.run(install_stop_signal())
        return
    wrong = watchdog.run_round()
    rows = [
        {"cause": cause, "severity": problem.severity, "summary": str(problem)}
        for cause, problem in wrong.items()
    ]
    show(rows, form, empty="Nothing is wrong.")
    if wrong:
        raise click.ClickException(f"Somebody must act: {', '.join(wrong)}.")


@click.command("metrics", cls=Command)
@with_appcontext
def print_metrics() -> None:
    """Print what /metrics shows, for the textfile collector on a machine that has workers only."""
    click.echo(metrics.text().decode(), nl=False)
