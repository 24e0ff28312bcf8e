"""flask doctor: what works, what does not, and why."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa

from leadintake.core.database import db
from leadintake.core.transaction import transaction
from leadintake.notifications.service import notifications
from tests.factories import UserFactory
from tests.support.redis import free_port

pytestmark = pytest.mark.every_engine
PARTS = {
    "configuration",
    "database",
    "revision",
    "storage",
    "worker",
    "mail",
    "intake",
    "policy",
    "texts",
    "files",
}


@pytest.fixture
def doctor(app):
    """Run the command."""
    return lambda *options: app.test_cli_runner().invoke(args=["doctor", *options])


@pytest.fixture(autouse=True)
def worker(app, given):
    """A worker that was seen just now, and an attorney."""
    given(UserFactory)
    with app.app_context(), transaction():
        notifications.beat("worker:1")


def wrong(answer) -> dict[str, str]:
    """The parts that do not work, each with its sentence."""
    assert answer.exit_code == 1
    rows = json.loads(answer.stdout)
    assert {row["part"] for row in rows} == PARTS
    found = {row["part"]: row["detail"] for row in rows if row["state"] != "ok"}
    assert answer.stderr == f"Error: Not well: {', '.join(found)}.\n"
    assert all(found.values())
    return found


def test_a_service_that_is_well_is_told_so(doctor):
    answer = doctor()
    assert answer.exit_code == 0, answer.output
    assert answer.stdout.split()[:3] == ["part", "state", "detail"]
    assert all(part in answer.stdout for part in PARTS)
    assert answer.stderr == ""
    rows = json.loads(doctor("--format", "json").stdout)
    assert {row["part"]: row["state"] for row in rows} == dict.fromkeys(PARTS, "ok")


def test_a_worker_that_is_missing_is_named_with_what_to_do(app, doctor):
    with app.app_context(), transaction():
        db.session.execute(sa.text("DELETE FROM worker_beats"))
    assert "flask worker" in wrong(doctor("--format", "json"))["worker"]
    table = doctor()
    assert table.exit_code == 1
    assert "flask worker" in table.stdout


def test_a_firm_where_nobody_takes_new_leads_is_told_how_to_add_somebody(app, doctor):
    with app.app_context(), transaction():
        db.session.execute(sa.text("UPDATE users SET can_intake = false"))
    assert "--role attorney" in wrong(doctor("--format", "json"))["intake"]


def test_a_database_of_another_revision_is_named_with_what_to_do(app, doctor):
    version = "SELECT version_num FROM alembic_version"
    with app.app_context():
        known = db.session.scalar(sa.text(version))
        db.session.execute(sa.text("UPDATE alembic_version SET version_num = '0001'"))
        db.session.commit()
    try:
        found = wrong(doctor("--format", "json"))
    finally:
        with app.app_context():  # the database of a server is used again
            db.session.execute(sa.text("UPDATE alembic_version SET version_num = :known"), {"known": known})
            db.session.commit()
    assert list(found) == ["revision"]
    assert "flask db upgrade" in found["revision"]
    assert "0001" in found["revision"]


def test_a_storage_that_takes_nothing_is_named(app, doctor):
    folder = Path(app.config["STORAGE_URL"].removeprefix("file:"))
    shutil.rmtree(folder, ignore_errors=True)
    folder.write_text("in the way")
    assert list(wrong(doctor("--format", "json"))) == ["storage"]


class TestMail:
    @pytest.fixture
    def settings(self):
        return {"MAIL_SERVER": "127.0.0.1", "MAIL_PORT": free_port()}

    def test_a_mail_server_that_is_away_is_named(self, doctor):
        assert list(wrong(doctor("--format", "json"))) == ["mail"]


class TestNothingWorks:
    @pytest.fixture
    def settings(self):
        return {"DATABASE_URL": f"mariadb://owner:hunter2@127.0.0.1:{free_port()}/leads"}

    @pytest.fixture(autouse=True)
    def worker(self):
        """Nobody can be seen without a database."""

    def test_all_of_it_is_named_at_once_without_a_password_or_a_traceback(self, doctor):
        answer = doctor("--format", "json")
        assert {"database", "revision", "worker"} <= set(wrong(answer))
        assert "hunter2" not in answer.output
        assert "Traceback" not in answer.output
