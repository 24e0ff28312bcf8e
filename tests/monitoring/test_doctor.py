"""flask doctor: what works, what does not, and why."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa

from leadintake.core.db.database import db
from leadintake.core.db.transaction import transaction
from tests.support.doctor import PARTS, ask_doctor

pytestmark = pytest.mark.every_engine


@pytest.fixture
def settings():
    """A pool that every server in use gives."""
    return {"DATABASE_POOL_SIZE": 5}


@pytest.fixture
def doctor(app):
    """Run the command."""
    return lambda *options: app.test_cli_runner().invoke(args=["doctor", *options])


@pytest.fixture(autouse=True)
def _well(well):
    """Begin with an installation that is well."""


def test_a_service_that_is_well_is_told_so(doctor):
    answer = doctor()
    assert answer.exit_code == 0, answer.output
    assert answer.stdout.split()[:2] == ["part", "state"]
    assert all(part in answer.stdout for part in PARTS)
    assert answer.stderr == ""
    rows = json.loads(doctor("--format", "json").stdout)
    assert {row["part"]: row["state"] for row in rows} == dict.fromkeys(PARTS, "ok")


def test_a_worker_that_is_missing_is_named_with_what_to_do(app, doctor):
    with app.app_context(), transaction():
        db.session.execute(sa.text("DELETE FROM worker_beats"))
    assert "flask worker" in ask_doctor(app)["worker"]
    table = doctor()
    assert table.exit_code == 1
    assert "flask worker" in table.stdout


def test_a_firm_where_nobody_takes_new_leads_is_told_how_to_add_somebody(app):
    with app.app_context(), transaction():
        db.session.execute(sa.text("UPDATE users SET can_intake = false"))
    assert "--role attorney" in ask_doctor(app)["intake"]


def test_a_database_of_another_revision_is_named_with_what_to_do(app):
    version = "SELECT version_num FROM alembic_version"
    with app.app_context():
        known = db.session.scalar(sa.text(version))
        db.session.execute(sa.text("UPDATE alembic_version SET version_num = '0001'"))
        db.session.commit()
    try:
        found = ask_doctor(app)
    finally:
        with app.app_context():  # the database of a server is used again
            db.session.execute(sa.text("UPDATE alembic_version SET version_num = :known"), {"known": known})
            db.session.commit()
    assert list(found) == ["revision"]
    assert "flask db upgrade" in found["revision"]
    assert "0001" in found["revision"]
