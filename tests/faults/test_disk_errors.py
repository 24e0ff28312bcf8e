"""A disk that answers with an error (EIO): everybody may try again, and nothing acknowledged is lost."""

from __future__ import annotations

import pytest
import requests

from leadintake.core.db.database import db
from tests.factories import UserFactory
from tests.support.ledger import LONG, Prospects, audit, end_leases, record
from tests.support.preload import BrokenDisk
from tests.support.server import serving, wait_until

CROWD = 32 if LONG else 4
MORE = {
    "files cannot be written": ("w", "instance/uploads"),
    "the database cannot be written": ("w", "database"),
}
FAILURES = {
    "files cannot be synced": ("s", "instance/uploads"),
    "the database cannot be synced": ("s", "database"),
    "the database cannot be read": ("r", "database"),
    **(MORE if LONG else {}),
}


@pytest.fixture
def database_url(database_url, tmp_path):
    """The database, in a folder of its own."""
    path = tmp_path / "database" / "test.sqlite3"
    path.parent.mkdir()
    (tmp_path / "test.sqlite3").rename(path)
    return f"sqlite:///{path}"


def mail_cannot_be_kept_for_a_while(disk, server, prospects, database_url, instance) -> None:
    """Nobody who submits waits for mail, and none that was not synced is recorded as sent."""
    disk.fail("s", instance / "mail")
    assert prospects.submit((len(FAILURES) + 1) * CROWD) == 201

    def delivered() -> bool:
        report = audit(prospects.acknowledged, database_url, instance / "uploads")
        return report.delivered == report.acknowledged

    wait_until(lambda: f"{instance}/mail" in server.log.read_text(), "the mail could not be kept")
    assert not delivered()
    disk.mend()
    wait_until(delivered, "every message is sent", 180)


def test_a_disk_that_answers_with_an_error_loses_nothing_and_is_never_a_fault_of_ours(
    app, given, database_url, tmp_path, engine_name
):
    given(UserFactory)
    with app.app_context():
        db.engine.dispose()
    disk, uploads = BrokenDisk(tmp_path), tmp_path / "instance" / "uploads"
    with serving(database_url, tmp_path, around=disk.around) as server:
        prospects = Prospects(server.address)
        assert prospects.submit(0) == 201
        for turn, (calls, folder) in enumerate(FAILURES.values(), 1):
            crowd = range(turn * CROWD, (turn + 1) * CROWD)
            disk.fail(calls, tmp_path / folder)
            told = prospects.crowd(crowd)
            if calls == "r":  # SQLite may have in memory what it would read
                told = [one for one in told if one.status != 201]
            assert told
            assert [one for one in told if not one.says_try_again()] == []
            assert requests.get(f"{server.address}/readyz", timeout=10).status_code == 503
            disk.mend()
            assert {one.status for one in prospects.crowd(crowd)} == {201}
            audit(prospects.acknowledged, database_url, uploads).assert_stored()

        if LONG:
            mail_cannot_be_kept_for_a_while(disk, server, prospects, database_url, tmp_path / "instance")
        server.stop()
        end_leases(database_url)
        assert server.run("worker", "--drain").returncode == 0
    report = audit(prospects.acknowledged, database_url, uploads, faults=len(FAILURES) + LONG)
    report.assert_kept()
    assert prospects.unserved() == []
    assert "unexpected_failure" not in server.log.read_text()
    record(report, "disk answers with an error", engine_name)
