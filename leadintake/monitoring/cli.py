"""flask doctor, flask watchdog and flask metrics."""

from __future__ import annotations

import click
from flask import current_app
from flask.cli import with_appcontext

from leadintake.core import checks
from leadintake.core.commands import Command
from leadintake.core.tables import format_option, show
from leadintake.monitoring import metrics
from leadintake.monitoring.watchdog import Watchdog
from leadintake.notifications.worker import quit_signal


@click.command("doctor", cls=Command)
@format_option()
@with_appcontext
def doctor(form: str) -> None:
    """Check configuration, database revision, storage, mail and worker; exit status 1 names what is wrong."""
    results = checks.results(all_of_them=True, writing=True)
    rows = [{"part": "configuration", "state": "ok", "detail": ""}]  # a bad one does not get this far
    rows += [
        {"part": part, "state": "wrong" if sentence else "ok", "detail": sentence}
        for part, sentence in results.items()
    ]
    show(rows, form, empty="")
    wrong = [part for part, sentence in results.items() if sentence]
    if wrong:
        raise click.ClickException(f"Not well: {', '.join(wrong)}.")


@click.command("watchdog", cls=Command)
@click.option("--once", is_flag=True, help="Make one round, show what is wrong, and exit.")
@format_option()
@with_appcontext
def run_watchdog(once: bool, form: str) -> None:
    """Tell PagerDuty, a webhook and a heartbeat what is wrong, every minute until SIGTERM."""
    dog = Watchdog(current_app._get_current_object())  # type: ignore[attr-defined] # LocalProxy's own
    if not once:
        dog.run(quit_signal())
        return
    wrong = dog.round()
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
