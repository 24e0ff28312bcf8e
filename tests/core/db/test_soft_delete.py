"""Deleted rows hide from everything written with the ORM; the edges are written down here."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import aliased, joinedload, selectinload

from leadintake.auth.models import User
from leadintake.core.clock import now
from leadintake.core.db.database import db
from leadintake.core.db.transaction import transaction
from leadintake.leads.models import Lead
from tests.factories import DocumentFactory, LeadFactory, UserFactory


@pytest.fixture
def pair(given):
    """A user who is here and one who was deleted."""
    return given(UserFactory, name="here"), given(UserFactory, name="deleted", deleted_at=now())


@pytest.mark.every_engine
def test_selects_of_every_shape_hide_deleted_rows(app, pair):
    other = aliased(User)
    inner = sa.select(User.id).scalar_subquery()
    with app.app_context():
        for statement in (
            sa.select(User.name),
            sa.select(other.name),
            sa.select(User.name).where(User.id.in_(sa.select(User.id))),
            sa.select(sa.select(User.name).subquery().c.name),
            sa.select(sa.select(User).cte().c.name),
            sa.union_all(sa.select(User.name), sa.select(User.name).where(sa.false())),
            sa.select(User.name).join(other, other.id == User.id),
            sa.select(User.name).order_by(User.name).limit(10),
            sa.select(User.name).with_for_update(),
        ):
            assert db.session.scalars(statement).all() == ["here"], statement
        assert [user.name for user in db.session.scalars(sa.select(User))] == ["here"]
        assert [user.name for user in db.session.query(User)] == ["here"]
        assert db.session.scalar(sa.select(sa.func.count(User.id))) == 1
        assert db.session.scalar(sa.select(sa.func.count()).select_from(User)) == 1
        assert db.session.scalar(sa.select(sa.exists().where(User.name == "deleted"))) is False
        assert db.session.scalars(sa.select(inner)).one() == pair[0].id


def test_a_deleted_row_is_not_found_by_its_key(app, pair):
    here, deleted = pair
    with app.app_context():
        assert db.session.get(User, here.id) is not None
        assert db.session.get(User, deleted.id) is None


def test_the_option_shows_them_for_one_statement_only(app, pair):
    with app.app_context():
        everyone = sa.select(User.name).order_by(User.name).execution_options(include_deleted=True)
        assert db.session.scalars(everyone).all() == ["deleted", "here"]
        assert db.session.get(User, pair[1].id, execution_options={"include_deleted": True}).name == "deleted"
        db.session.expunge_all()
        assert db.session.get(User, pair[1].id) is None


@pytest.mark.parametrize("how", [None, joinedload, selectinload])
def test_a_relationship_does_not_lead_to_a_deleted_row(how, app, pair, given):
    lead = given(LeadFactory, assigned_to=pair[1])
    with app.app_context():
        options = [how(Lead.assigned_to)] if how else []
        found = db.session.scalar(sa.select(Lead).where(Lead.id == lead.id).options(*options))
        assert found.assignee_id == pair[1].id
        assert found.assigned_to is None
        db.session.expire(found)
        assert found.assigned_to is None


@pytest.mark.every_engine
def test_an_update_and_a_delete_of_many_leave_deleted_rows_alone(app, pair, rows):
    with app.app_context(), transaction():
        db.session.execute(sa.update(User).values(name="changed"))
    assert {user.name for user in rows(User)} == {"changed", "deleted"}
    with app.app_context(), transaction():
        db.session.execute(sa.delete(User))
    assert [user.name for user in rows(User)] == ["deleted"]


def test_a_row_deleted_in_this_transaction_can_still_be_worked_on(app, given, rows):
    lead = given(LeadFactory)
    with app.app_context(), transaction():
        found = db.session.get(Lead, lead.id)
        found.deleted_at = now()
        db.session.flush()
        db.session.refresh(found)
        found.first_name = "Renamed"
        assert db.session.scalars(sa.select(Lead)).all() == []
    assert rows(Lead)[0].first_name == "Renamed"
    assert rows(Lead)[0].version == 3


@pytest.mark.every_engine
def test_restoring_brings_a_row_back(app, given):
    lead = given(LeadFactory, "deleted")
    with app.app_context():
        with transaction():
            found = db.session.get(Lead, lead.id, execution_options={"include_deleted": True})
            found.deleted_at = None
        assert db.session.get(Lead, lead.id) is not None


def test_edge_a_lead_whose_resume_is_deleted_is_there_without_it(app, given):
    """A lead may have no resume (an outer join): delete the lead, never its document alone."""
    given(LeadFactory, resume=given(DocumentFactory, deleted_at=now()))
    with app.app_context():
        assert [lead.resume for lead in db.session.scalars(sa.select(Lead))] == [None]


@pytest.mark.every_engine
def test_edge_core_statements_see_deleted_rows(app, pair):
    """The bare table is for migrations and for operators; application code selects the class."""
    table = User.__table__
    with app.app_context():
        assert set(db.session.scalars(sa.select(table.c.name))) == {"here", "deleted"}
        assert set(db.session.scalars(sa.text("SELECT name FROM users"))) == {"here", "deleted"}


def test_edge_a_row_at_hand_is_not_asked_for_again(app, given):
    """`get` answers from the session what the session already holds, deleted meanwhile or not."""
    lead = given(LeadFactory)
    with app.app_context():
        held = db.session.get(Lead, lead.id)
        held.deleted_at = now()
        db.session.flush()
        assert db.session.get(Lead, lead.id) is held
        db.session.expunge_all()
        assert db.session.get(Lead, lead.id) is None
        db.session.rollback()


@pytest.mark.every_engine
def test_edge_updates_by_key_reach_deleted_rows(app, pair, rows):
    with app.app_context(), transaction():
        db.session.execute(sa.update(User), [{"id": pair[1].id, "name": "reached"}])
    assert {user.name for user in rows(User)} == {"here", "reached"}
