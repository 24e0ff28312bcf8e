"""flask storage: the files on disk."""

from __future__ import annotations

import click

from leadintake.core.commands import CommandGroup
from leadintake.core.tables import format_option, show
from leadintake.documents.service import documents

storage = CommandGroup("storage", help="The files that were sent.")


@storage.command("sweep")
@format_option()
def sweep(form: str) -> None:
    """Remove files no lead owns; report leads whose file is missing (exit status 1)."""
    done = documents.sweep()
    rows = [{"file": key, "what": "removed"} for key in done.removed]
    rows += [{"file": key, "what": "missing"} for key in done.missing]
    show(rows, form, empty="Every file has its owner and every owner its file.")
    if done.missing:
        raise click.exceptions.Exit(1)
