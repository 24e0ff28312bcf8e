"""Named locks between processes, and beside processes of the version before."""

from __future__ import annotations

import subprocess
import sys

import pytest
import sqlalchemy as sa

from leadintake.auth.models import User
from leadintake.core.db import locks
from leadintake.core.db.database import db
from leadintake.core.db.transaction import transaction
from tests.factories import UserFactory
from tests.support.server import ROOT

COUNT = """
import sys
import sqlalchemy as sa
from leadintake import create_app
from leadintake.auth.models import User
from leadintake.core.db import locks
from leadintake.core.db.database import db
from leadintake.core.db.transaction import transaction

app = create_app(
    INSTANCE_PATH=sys.argv[1], DATABASE_URL=sys.argv[2], WORKER="external", WATCHDOG="external"
)
sys.stdin.read()
for _ in range(30):
    with app.app_context(), transaction():
        locks.acquire("assignment")
        number = int(db.session.scalar(sa.select(User.name)))
        db.session.execute(sa.update(User).values(name=str(number + 1)))
"""
"""Read a number and write the next one, thirty times."""
UPDATE_OF_THE_VERSION_BEFORE = sa.text("UPDATE locks SET updated_at = updated_at WHERE name = 'assignment'")


@pytest.mark.every_engine
def test_processes_are_let_in_one_at_a_time(app, given, rows, tmp_path):
    given(UserFactory, name="0")
    command = [sys.executable, "-c", COUNT, str(tmp_path / "other"), app.config["DATABASE_URL"]]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    processes = [subprocess.Popen(command, text=True, cwd=ROOT, **pipes) for _ in range(3)]
    for one in processes:
        one.stdin.close()
        one.stdin = None
    assert [one.communicate(timeout=60) for one in processes] == [("", "")] * 3
    assert [one.name for one in rows(User)] == ["90"]


@pytest.mark.on_postgresql
class TestOnPostgreSQL:
    def test_waiters_queue_up_at_an_advisory_lock(self, app):
        held = sa.text(
            "SELECT (classid::bigint << 32) | objid::bigint FROM pg_locks WHERE locktype = 'advisory'"
        )
        with app.app_context():
            with transaction():
                locks.acquire("assignment")
                assert db.session.scalars(held).all() == [locks.advisory_key("assignment")]
            assert db.session.scalars(held).all() == []

    def test_its_key_is_the_same_in_every_process(self):
        assert locks.advisory_key("assignment") == 4950691122783902645
        assert locks.advisory_key("sign_in") == 3832796340431854178

    def test_a_process_of_the_version_before_waits_and_is_waited_for(self, app):
        with app.app_context(), transaction():
            locks.acquire("assignment")
            with db.engine.connect() as other:
                other.execute(sa.text("SET LOCAL lock_timeout = 100"))
                with pytest.raises(sa.exc.OperationalError, match="lock timeout"):
                    other.execute(UPDATE_OF_THE_VERSION_BEFORE)
        with app.app_context(), db.engine.begin() as other:
            other.execute(UPDATE_OF_THE_VERSION_BEFORE)
            db.session.execute(sa.text("SET LOCAL lock_timeout = 100"))
            with pytest.raises(sa.exc.OperationalError, match="lock timeout"):
                locks.acquire("assignment")
            db.session.rollback()
