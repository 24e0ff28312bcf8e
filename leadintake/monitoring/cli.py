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
