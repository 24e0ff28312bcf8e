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
    """Check configuration, database revision, storage, mail and worker; exit status 1 names what is wrong."""
    failing = checks.failing(all_of_them=True)
    rows = [{"part": "configuration", "state": "ok", "detail": ""}]
    rows += [
        {"part": part, "state": "wrong" if part in failing else "ok", "detail": failing.get(part, "")}
        for part in checks.parts()
    ]
    show(rows, form, empty="")
    if failing:
        raise click.ClickException(f"Not well: {', '.join(failing)}.")
