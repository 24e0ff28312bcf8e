"""flask doctor."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from leadintake.core import checks
from leadintake.core.commands import Command
from leadintake.core.tables import format_option, show


@click.command("doctor", cls=Command)
@format_option()
@with_appcontext
def doctor(form: str) -> None:
    """Say what is wrong with the installation and what to do, a line each; exit status 1 if anything is."""
    found = [checks.Finding("configuration", "ok", ""), *checks.findings()]  # a bad one does not get this far
    show([finding._asdict() for finding in found], form, empty="")
    wrong = [finding.part for finding in found if finding.state == "wrong"]
    if wrong:
        raise click.ClickException(f"Not well: {', '.join(wrong)}.")
