"""Run the migrations on whatever database the application is configured for."""

from __future__ import annotations

from alembic import context
from flask import current_app

from leadintake.core.cli.commands import report_errors_in_one_line
from leadintake.core.db.database import db, read_only
from leadintake.core.db.revisions import write_oldest_code
from leadintake.core.db.schema import is_mapped


def run() -> None:
    """Upgrade or downgrade over a connection of the application's engine."""
    options = current_app.extensions["migrate"].configure_args
    with report_errors_in_one_line(), read_only(False), db.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            # Once, here: two workers that both switch it on at start crash on each other.
            connection.connection.cursor().execute("PRAGMA journal_mode=WAL")
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            transaction_per_migration=True,  # an index that is built concurrently ends the transaction
            include_name=is_mapped,
            on_version_apply=write_oldest_code,
            **options,
        )
        with context.begin_transaction():
            context.run_migrations()


run()
