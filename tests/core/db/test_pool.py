"""How long work waits for a connection is measured."""

from __future__ import annotations

import pytest

from leadintake.core.db.database import db
from tests.monitoring.test_metrics import samples

WAIT_SECONDS = 0.3
"""Longer than an idle connection takes: they are told apart by the bucket of a quarter of a second."""
pytestmark = pytest.mark.every_engine


@pytest.fixture
def settings():
    """As few connections as there may be."""
    return {"DATABASE_POOL_SIZE": 2}


def waits(client) -> tuple[float, float]:
    """How many there were, and how many took longer than a quarter of a second; nothing before the first."""
    name = "leadintake_pool_wait_seconds_bucket"
    total, short = (sum(samples(client, name, le=bound)) for bound in ("+Inf", "0.25"))
    return total, total - short


@pytest.mark.parametrize("disposed", [False, True], ids=["first pool", "pool after it was disposed of"])
def test_a_request_that_waits_in_vain_is_measured(app, client, disposed, monkeypatch):
    with app.app_context():
        if disposed:
            db.engine.dispose()
        engine = db.engine
    monkeypatch.setattr(engine.pool, "_timeout", WAIT_SECONDS)
    number, long_ones = waits(client)
    with engine.connect(), engine.connect():
        assert client.submit().status_code == 503
    after = waits(client)
    assert after[0] >= number + 2
    assert after[1] >= long_ones + 1
    assert samples(client, "leadintake_pool_timeouts_total") == [1]


def test_one_that_gets_a_connection_is_measured_too(client):
    before, _ = waits(client)
    assert client.submit().status_code == 201
    assert waits(client)[0] > before + 1
