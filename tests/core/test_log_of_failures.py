"""What the log of a failure of the database says, and of whom it says nothing."""

from __future__ import annotations

import sqlalchemy as sa

from leadintake.core.database import db
from tests.support.views import serve

KEPT = "-".join(("jane", "and", "her", "secret"))


def test_a_statement_that_fails_is_logged_without_what_was_to_be_kept(app, client, capfd):
    def view():
        db.session.execute(sa.text("INSERT INTO users (id, name) VALUES (1, :name)"), {"name": KEPT})

    serve(app, view)
    assert client.post("/test").status_code == 500
    said = capfd.readouterr().err
    assert "INSERT INTO users" in said
    assert KEPT not in said
