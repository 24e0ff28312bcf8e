"""`flask db`: Flask-Migrate's commands, loaded when one runs, because no other command needs Alembic.

`flask db downgrade` asks in production: it drops tables and columns with their content.
"""

from __future__ import annotations

import copy
import functools
from typing import TYPE_CHECKING, Any

import click
from flask import Flask

from leadintake.core.db.database import db, migrations_folder

if TYPE_CHECKING:
    from flask_migrate import Migrate

QUESTION = "A downgrade drops the tables and columns that later versions added, with what is in them. Go on?"


class MigrationSettings:
    """What Flask-Migrate and migrations/env.py read of `app.extensions["migrate"]`."""

    @functools.cached_property
    def migrate(self) -> Migrate:
        """The extension."""
        from flask_migrate import Migrate  # loads Alembic

        return Migrate(db=db, directory=str(migrations_folder()))

    @property
    def configure_args(self) -> dict[str, Any]:
        """Options for Alembic's environment."""
        options: dict[str, Any] = self.migrate.alembic_ctx_kwargs
        return options


class MigrationCommands(click.Command):
    """The group `flask db`. Until it runs, only its name and short help exist."""

    def __init__(self, app: Flask) -> None:
        super().__init__("db", help="Perform database migrations.")
        self._app = app

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Let Flask-Migrate's group read the arguments and run."""
        return _load_group(self._app).make_context(info_name, args, parent, **extra)


def init_app(app: Flask) -> None:
    """Register Flask-Migrate without loading it."""
    app.extensions["migrate"] = MigrationSettings()
    app.cli.add_command(MigrationCommands(app))


def _load_group(app: Flask) -> click.Group:
    """Return Flask-Migrate's group, whose `downgrade` asks, for this application only."""
    from flask_migrate.cli import db as library  # type: ignore[import-not-found] # has types, but not here

    group: click.Group = copy.copy(library)
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
    return group
