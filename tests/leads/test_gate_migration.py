"""Migration 0016: what is in quarantine gets its gate, also beside a process of the version before."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from flask_migrate import downgrade, stamp, upgrade

from leadintake.core.clock import now
from leadintake.core.db import schema
from leadintake.core.db.database import db
from leadintake.core.db.transaction import transaction
from leadintake.leads import backfill
from leadintake.leads.models import Lead, is_in_quarantine, is_listed
from leadintake.leads.status import Gate
from tests.factories import LeadFactory
from tests.support.killed import Killed, killed_at
from tests.support.outbox import round_of_a_worker

BEFORE, AFTER = "0015", "0016"
OLD_LEADS = 30
TABLE = Lead.__table__


@pytest.fixture
def old(app) -> Iterator[None]:
    """The database as the version before left it: every third lead is in quarantine."""
    with app.app_context():
        with transaction():
            for number in range(OLD_LEADS):
                LeadFactory(quarantined=number % 3 == 0)
        db.session.remove()
        downgrade(revision=BEFORE)
        try:
            yield
        finally:
            db.session.rollback()
            upgrade()


def are_in_step() -> bool:
    """Whether every gate says what the time says, and some of each are there."""
    with db.engine.connect() as connection:
        found = connection.execute(sa.select(TABLE.c.gate, TABLE.c.quarantined_at)).all()
    told = [(gate is Gate.QUARANTINE, since is not None) for gate, since in found]
    return set(told) == {(True, True), (False, False)} and told.count((True, True)) == OLD_LEADS // 3


@pytest.mark.every_engine
def test_killed_at_any_statement_it_can_be_run_again(old, monkeypatch):
    monkeypatch.setattr(schema, "BATCH", 4)
    for statement in itertools.count(1):
        try:
            with killed_at(statement):
                upgrade(revision=AFTER)
        except Killed:
            continue
        break
    assert statement > 10
    assert are_in_step()


def test_run_again_it_leaves_those_that_were_released_meanwhile(old):
    upgrade(revision=AFTER)
    release = sa.update(TABLE).where(TABLE.c.gate == Gate.QUARANTINE)
    with db.engine.begin() as connection:
        connection.execute(release.values(gate=Gate.OPEN, quarantined_at=None))
    stamp(revision=BEFORE)
    upgrade(revision=AFTER)
    with db.engine.connect() as connection:
        assert set(connection.scalars(sa.select(TABLE.c.gate))) == {Gate.OPEN}


def lists() -> tuple[int, int]:
    """How many leads are let in, and how many are in quarantine."""
    db.session.rollback()
    tally = sa.select(sa.func.count(Lead.id))
    return db.session.scalar(tally.where(is_listed())), db.session.scalar(tally.where(is_in_quarantine()))


@pytest.mark.every_engine
def test_a_process_of_the_version_before_goes_on_beside_it(app, given, rows):
    """It writes the time and the strategy alone. What it wrote is in no list until a worker has looked."""
    released, caught = given(LeadFactory, "quarantined"), given(LeadFactory)
    honest, spam = given(LeadFactory), given(LeadFactory, "quarantined")
    version = {lead.id: lead.version for lead in (released, caught)}
    old = sa.update(TABLE)
    with app.app_context():
        with db.engine.begin() as connection:
            connection.execute(old.where(TABLE.c.id == released.id).values(quarantined_at=None))
            caught_values = {"quarantined_at": now(), "assignment_strategy": "quarantine"}
            connection.execute(old.where(TABLE.c.id == caught.id).values(**caught_values))
        assert lists() == (1, 1), "in doubt a lead is in neither"
        assert [lead.id for lead in rows(Lead) if lead.in_quarantine] == [spam.id], "it may be changed"
    round_of_a_worker(app)
    with app.app_context():
        assert lists() == (2, 2)
    gates = {lead.id: lead.gate for lead in rows(Lead)}
    assert gates == {
        released.id: Gate.OPEN,
        caught.id: Gate.QUARANTINE,
        honest.id: Gate.OPEN,
        spam.id: Gate.QUARANTINE,
    }
    assert {lead.id: lead.version for lead in rows(Lead) if lead.id in version} == version


def test_a_lead_that_is_let_in_at_this_moment_stays_so(app, given, rows, monkeypatch):
    given(LeadFactory, assignment_strategy="quarantine")
    begin = backfill.transaction

    def let_in_first():
        with db.engine.begin() as connection:
            connection.execute(sa.update(TABLE).values(quarantined_at=None))
        return begin()

    with app.app_context():
        with db.engine.begin() as connection:
            connection.execute(sa.update(TABLE).values(quarantined_at=now()))
        monkeypatch.setattr(backfill, "transaction", let_in_first)
        backfill.correct_gates()
    assert [lead.gate for lead in rows(Lead)] == [Gate.OPEN]
