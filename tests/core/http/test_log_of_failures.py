"""What the log of a failure of the database says, and of whom it says nothing."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa

from leadintake.core.db.database import db
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


class TestAsJson:
    """With LOG_FORMAT=json."""

    @pytest.fixture
    def settings(self):
        return {"LOG_FORMAT": "json"}

    def test_no_message_whatever_is_in_it_writes_a_line_of_its_own(self, app, client, capfd):
        forged = 'x\r\n2026-01-01T00:00:00Z [error] forged\x1b[31m\u2028"}\n{"event": "forged"}\x85'

        def view():
            raise ValueError(forged)

        serve(app, view)
        assert client.post("/test").status_code == 500
        (line,) = [line for line in capfd.readouterr().err.split("\n") if "forged" in line]
        assert json.loads(line)["event"] == "unexpected_failure"
        assert line.isascii()
        assert line.isprintable()
