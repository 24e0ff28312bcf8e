"""What a trail must stand besides the plain cases: overtaken readers, laundered ends, garbage in columns."""

from __future__ import annotations

import sqlite3
import uuid

import pytest
import sqlalchemy as sa

from leadintake.audit.models import AuditEntry
from leadintake.audit.service import audit
from leadintake.auth.models import User
from leadintake.core.actor import ANONYMOUS, SYSTEM
from leadintake.core.db.database import db
from leadintake.core.db.transaction import before_commit, transaction
from tests.factories import UserFactory
from tests.support.trail import (
    COLUMNS,
    act,
    changed,
    copied,
    head_changed,
    head_row,
    removed,
    set_head,
    tamper,
    verdict,
)
from tests.support.views import serve


@pytest.fixture
def run(app):
    def invoke(*arguments: str):
        return app.test_cli_runner().invoke(args=["audit", *arguments])

    return invoke


def actions(rows) -> list[str]:
    return [entry.action for entry in sorted(rows(AuditEntry), key=lambda entry: entry.number)]


def leave_no_head(app) -> None:
    """Make appending impossible."""
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE audit_heads RENAME TO away"))


def test_what_is_recorded_by_the_last_part_of_a_transaction_is_recorded_once(app, rows):
    with app.app_context():
        with transaction():
            audit.record("test.early", actor=SYSTEM)
            before_commit(lambda: audit.record("test.late", actor=SYSTEM))
        with transaction():
            audit.record("test.next", actor=SYSTEM)
    assert actions(rows) == ["test.early", "test.late", "test.next"]
    assert verdict(app) == 3


def write_elsewhere(app) -> None:
    """Let another connection write: a SQLite transaction that began as a reader then cannot any more."""
    with sqlite3.connect(app.config["DATABASE_URL"].removeprefix("sqlite:///")) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS elsewhere (id)")
        connection.execute("INSERT INTO elsewhere VALUES (1)")
    connection.close()


@pytest.mark.parametrize("in_a_block", [False, True])
def test_a_reader_overtaken_by_a_writer_is_recorded_all_the_same(app, client, rows, in_a_block):
    def view():
        db.session.execute(sa.select(User.id)).all()
        write_elsewhere(app)
        if in_a_block:
            with transaction():
                audit.record("test.read", actor=ANONYMOUS)
        else:
            audit.record("test.read", actor=ANONYMOUS)
        return "", 200

    serve(app, view, method="GET")
    assert client.get("/test").status_code == 200
    assert actions(rows) == ["test.read"]


def test_a_get_that_wrote_something_keeps_it(app, client, rows):
    def view():
        UserFactory()
        audit.record("test.read", actor=ANONYMOUS)
        return "", 200

    serve(app, view, method="GET")
    assert client.get("/test").status_code == 200
    assert (len(rows(User)), actions(rows)) == (1, ["test.read"])


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("garbage", ["'garbage'", "x'00ff'", "-1.5"])
def test_what_no_column_should_take_is_named_too(app, column, garbage):
    act(app, 5)
    tamper(app, changed(3, f"{column} = {garbage}"))
    said = verdict(app)
    if column == "number" and garbage == "-1.5":
        assert "Entry 1 " in said  # it lies before the first now
    else:
        assert "Entry 3 " in said


@pytest.mark.every_engine
def test_entries_written_without_the_key_are_named(app):
    act(app, 3)
    fresh = f"'{uuid.UUID(int=7).hex}'"
    tamper(app, copied(3, number="4", id=fresh))
    assert "Entry 4 " in verdict(app)
    tamper(app, removed("number = 4"), copied(3, number="0", id=fresh))
    assert "Entry 1 " in verdict(app)
    tamper(app, removed("number = 0"))
    assert verdict(app) == 3


@pytest.mark.every_engine
def test_an_end_cut_off_with_a_head_to_match_is_noticed_and_not_healed_by_what_follows(app):
    act(app, 5)
    with app.app_context():
        third = db.session.scalar(sa.select(AuditEntry.hash).where(AuditEntry.number == 3))
    cut = removed("number > 3")
    tamper(app, cut, head_changed(f"number = 3, hash = '{third}'"))
    assert "may have been cut off" in verdict(app)
    act(app, 2)
    assert "Before entry 4 " in verdict(app)
    assert head_row(app).number == 6  # with an entry that says so


def test_an_older_head_is_noticed_where_the_entries_are_left(app):
    act(app, 3)
    older = head_row(app)
    act(app, 2)
    tamper(app, set_head(older))
    assert "Entry 4 lies behind" in verdict(app)


class TestAnotherKey:
    """SECRET_KEY was changed: with the earlier one among the fallbacks all holds."""

    EARLIER = "an earlier secret key of more than thirty-two letters"

    @pytest.fixture
    def settings(self) -> dict[str, object]:
        return {"SECRET_KEY": self.EARLIER}

    def test_the_earlier_key_is_asked_for_and_then_believed(self, app):
        act(app, 2)
        app.config["SECRET_KEY"] = "another secret key of more than thirty-two letters"
        assert "Entry 1 was written with a key that is not configured" in verdict(app)
        assert "SECRET_KEY_FALLBACKS" in verdict(app)
        act(app, 2)  # nobody is kept from working
        app.config["SECRET_KEY_FALLBACKS"] = [self.EARLIER]
        act(app)
        assert verdict(app) == 6  # one of them says that the end could not be read

    def test_rotation_with_a_fallback_leaves_no_trace(self, app):
        act(app, 2)
        app.config["SECRET_KEY"] = "another secret key of more than thirty-two letters"
        app.config["SECRET_KEY_FALLBACKS"] = [self.EARLIER]
        act(app, 2)
        assert verdict(app) == 4


def test_an_empty_published_head_is_a_wrong_use_and_not_none(app, run):
    """As a script gives it whose file with the head is empty."""
    act(app)
    assert run("verify", "--head", "").exit_code == 2


def test_the_list_tells_the_number_that_verify_names_an_entry_by(app, run):
    act(app, 2)
    assert run("list").stdout.split()[:4] == ["number", "at", "actor", "action"]
    assert '"number": 2' in run("list", "--format", "json").stdout


def test_the_head_is_said_in_the_log_under_its_own_name(app, capfd):
    act(app)
    with app.app_context():
        audit.publish(lambda: False)
    lines = [line for line in capfd.readouterr().err.splitlines() if "audit_head" in line]
    assert any(f"hash={head_row(app).hash}" in line and "number=1" in line for line in lines)
