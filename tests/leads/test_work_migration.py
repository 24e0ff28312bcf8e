"""Migration 0025: outcome, next step and tags, also after it was killed, beside an older process."""

from __future__ import annotations

import itertools

import pytest
import sqlalchemy as sa
from flask_migrate import downgrade, upgrade

from leadintake.core.db.database import db
from leadintake.core.db.transaction import transaction
from leadintake.leads.models import Lead
from leadintake.leads.progress import LeadTag
from tests.factories import LeadFactory, UserFactory
from tests.support.killed import Killed, killed_at
from tests.support.numbers import numbers_are_right

BEFORE = "0022"


@pytest.mark.every_engine
def test_killed_at_any_statement_it_can_be_run_again(app):
    with app.app_context():
        with transaction():
            lead_id = LeadFactory(assigned_to=UserFactory()).id
        db.session.remove()
        downgrade(revision=BEFORE)
        for statement in itertools.count(1, 3):
            try:
                with killed_at(statement):
                    upgrade()
            except Killed:
                continue
            break
        assert statement > 20
        with db.engine.connect() as connection:
            built = {index["name"] for index in sa.inspect(connection).get_indexes("leads")}
        assert {str(index.name) for index in Lead.__table__.indexes} <= built
        assert not built & {"ix_leads_waiting", "ix_leads_assignee_id_status_created_at_id"}
        lead = db.session.get_one(Lead, lead_id)
        assert (lead.outcome, lead.follow_up_at, lead.tags) == (None, None, [])
        assert db.session.scalars(sa.select(LeadTag)).all() == []
        db.session.rollback()
        assert numbers_are_right()
