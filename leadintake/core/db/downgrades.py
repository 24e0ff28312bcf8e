"""Confirmation of `flask db downgrade` in production: it drops tables and columns with their content."""

from __future__ import annotations

import copy
from typing import Any, cast

import click
from flask import Flask

QUESTION = "A downgrade drops the tables and columns that later versions added, with what is in them. Go on?"


def init_app(app: Flask) -> None:
    """Wrap Flask-Migrate's command, in this application only."""
    group = copy.copy(cast(click.Group, app.cli.commands["db"]))
    command = copy.copy(group.commands["downgrade"])
    downgrade = command.callback
    assert downgrade is not None  # noqa: S101 - each of its commands has one

    def ask(*, yes: bool, **options: Any) -> None:
        if app.config["ENVIRONMENT"] == "production" and not (yes or options["sql"]):
            try:
                click.confirm(QUESTION, abort=True)
            except click.Abort as refusal:
                raise click.ClickException("Nothing was changed. `--yes` answers the question.") from refusal
        downgrade(**options)

    command.callback = ask
    command.params = [*command.params, click.Option(["--yes"], is_flag=True, help="Do not ask.")]
    group.commands = {**group.commands, "downgrade": command}
    app.cli.add_command(group, "db")
