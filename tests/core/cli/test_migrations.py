"""`flask db downgrade`: nobody drops what a production database has by a slip."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from flask_migrate.cli import db as library

from leadintake.core.db.database import db


def revision_of(app) -> str:
    with app.app_context(), db.engine.connect() as connection:
        return connection.scalar(sa.text("SELECT version_num FROM alembic_version"))


def downgrade(app, *options: str, answer: str = ""):
    return app.test_cli_runner().invoke(args=["db", "downgrade", *options, "0007"], input=answer)


class TestInProduction:
    @pytest.fixture
    def settings(self):
        return {
            "ENVIRONMENT": "production",
            "MAIL_FOLDER": "mail",
            "SECRET_KEY": "k" * 32,
            "PUBLIC_URL": "https://intake.firm.example",
        }

    @pytest.mark.parametrize("answer", ["", "\n", "n\n"], ids=["no terminal", "nothing", "no"])
    def test_it_asks_and_changes_nothing_without_a_yes(self, answer, app):
        before = revision_of(app)
        told = downgrade(app, answer=answer)
        assert told.exit_code == 1
        assert "drops the tables and columns" in told.stdout
        assert "--yes" in told.stderr
        assert revision_of(app) == before

    @pytest.mark.parametrize(("options", "answer"), [([], "y\n"), (["--yes"], "")])
    def test_a_yes_is_enough(self, options, answer, app):
        assert downgrade(app, *options, answer=answer).exit_code == 0
        assert revision_of(app) == "0007"


def test_elsewhere_it_does_not_ask(app):
    assert downgrade(app).exit_code == 0
    assert revision_of(app) == "0007"


def test_the_library_keeps_its_own_command(app):
    assert "yes" not in {option.name for option in library.commands["downgrade"].params}
