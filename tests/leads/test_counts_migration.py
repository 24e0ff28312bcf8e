"""Migration 0021: the numbers are those of the leads that are there, also after it was killed."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from flask_migrate import downgrade, upgrade

from leadintake.core.db.database import db
from leadintake.core.db.transaction import transaction
from leadintake.leads.models import Lead
from leadintake.leads.status import LeadStatus
from tests.factories import LeadFactory, UserFactory
from tests.support.killed import Killed, killed_at
from tests.support.numbers import numbers_are_right, stored

BEFORE, AFTER = "0020", "0021"
TABLE = Lead.__table__


@pytest.fixture
def old(app) -> Iterator[None]:
    """The database as the version before left it, with leads of each kind."""
    with app.app_context():
        with transaction():
            owners = [UserFactory(), UserFactory(), None]
            for owner, kind in itertools.product(owners, ("reached_out", "deleted", None, None)):
                LeadFactory(assigned_to=owner, **({kind: True} if kind else {}))
            for kind in ("reached_out", "deleted", None):
                LeadFactory(quarantined=True, **({kind: True} if kind else {}))
            LeadFactory(assignment_strategy="manual")
        db.session.remove()
        downgrade(revision=BEFORE)
        try:
            yield
        finally:
            db.session.rollback()
            upgrade()


def reach_out_without_counting() -> None:
    """Be a process of the version before, which goes on working in the meantime."""
    pending = sa.select(TABLE.c.id).where(TABLE.c.status == LeadStatus.PENDING).order_by(TABLE.c.id).limit(1)
    with db.engine.begin() as connection:
        change = sa.update(TABLE).where(TABLE.c.id == connection.execute(pending).scalar_one())
        connection.execute(change.values(status=LeadStatus.REACHED_OUT))


@pytest.mark.every_engine
def test_killed_at_any_statement_it_can_be_run_again(old):
    for statement in itertools.count(1):
        try:
            with killed_at(statement):
                upgrade(revision=AFTER)
        except Killed:
            if statement in (7, 15, 23):
                reach_out_without_counting()
            continue
        break
    assert statement > 10
    upgrade()  # the leads are counted by columns of later versions, too
    assert len(stored()) > 5
    assert numbers_are_right()


@pytest.mark.every_engine
def test_of_no_lead_there_is_a_row_of_nobody(app):
    with app.app_context():
        downgrade(revision=BEFORE)
        upgrade()
        assert stored() == {}
        assert db.session.scalar(sa.text("SELECT count(*) FROM lead_counts")) == 1
        db.session.rollback()
