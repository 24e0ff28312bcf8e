"""A crowd through PgBouncer with five connections to the server: nobody meets another's session."""

from __future__ import annotations

import pytest

from tests.factories import UserFactory
from tests.support.ledger import LONG, Prospects, audit, record
from tests.support.pgbouncer import pgbouncer
from tests.support.server import serving

SUBMISSIONS = 2000 if LONG else 80
AT_ONCE = 8
POOLS = {"transaction": "44", "session": "4"}
"""In session mode one is left for somebody else."""


@pytest.mark.on_postgresql
@pytest.mark.parametrize("mode", POOLS)
def test_every_submission_is_served(mode, app, given, database_url, tmp_path):
    given(UserFactory)
    settings = {"DATABASE_POOL_SIZE": POOLS[mode], "WORKER": "external"}
    with (
        pgbouncer(database_url, mode) as through,
        serving(through.url, tmp_path, **settings) as server,
    ):
        prospects = Prospects(server.address)
        prospects.crowd(range(SUBMISSIONS), AT_ONCE, insisting=True)
        assert {told.status for told in prospects.answers} <= {201, 503}, server.log.read_text()
        assert len(prospects.acknowledged) == SUBMISSIONS
        assert server.stop() == 0
    report = audit(prospects.acknowledged, database_url, tmp_path / "instance" / "uploads")
    report.assert_stored()
    record(report, f"a crowd through pgbouncer in {mode} mode", "postgresql")
