"""Migration 0018: old leads are found while a worker fills the index, also beside a process of before."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from flask_migrate import downgrade, upgrade

from leadintake.core.actor import OPERATOR
from leadintake.core.db.database import db
from leadintake.core.db.transaction import transaction
from leadintake.leads import backfill, search_index
from leadintake.leads.models import Lead
from leadintake.leads.schemas import LeadFilter
from leadintake.leads.service import leads
from tests.factories import LeadFactory
from tests.support.killed import Killed, killed_at
from tests.support.outbox import round_of_a_worker

BEFORE, AFTER = "0017", "0018"
OLD_LEADS = 25
TABLE = Lead.__table__


@pytest.fixture
def old(app) -> Iterator[None]:
    """The database as the version before left it."""
    with app.app_context():
        with transaction():
            for number in range(OLD_LEADS):
                LeadFactory(last_name=f"García-Old{number:02}")
        db.session.remove()
        downgrade(revision=BEFORE)
        try:
            yield
        finally:
            db.session.rollback()
            upgrade()


def found(text: str) -> int:
    """How many leads a search lists; it counts as many."""
    filters = LeadFilter(q=text)
    with transaction():
        page = leads.page(filters, reader=OPERATOR, actor=OPERATOR, limit=100, cursor=None)
        assert leads.count(filters, reader=OPERATOR) == len(page.items)
    return len(page.items)


def unindexed() -> int:
    with db.engine.connect() as connection:
        return connection.scalar(sa.select(sa.func.count()).where(TABLE.c.search_text.is_(None)))


@pytest.mark.every_engine
def test_killed_at_any_statement_it_can_be_run_again(old):
    for statement in itertools.count(1):
        try:
            with killed_at(statement):
                upgrade(revision=AFTER)
        except Killed:
            continue
        break
    assert statement > 5
    upgrade()
    backfill.index_texts()
    assert (unindexed(), found("garcia old07")) == (0, 1)


@pytest.mark.every_engine
def test_all_are_found_before_while_and_after_a_worker_indexes_them(app, old, monkeypatch):
    monkeypatch.setattr(backfill, "BATCH", 10)
    upgrade()
    before = changes()
    left = []
    for _ in range(3):
        left.append(unindexed())
        assert (found("garcía"), found("old07"), found("jane, garcía-"), found("nobody")) == (25, 1, 25, 0)
        round_of_a_worker(app)
    assert (left, unindexed()) == ([25, 15, 5], 0)
    assert (found("garcia old"), found("GARCIA"), found("garciaold07")) == (25, 25, 1)
    assert changes() == before


def changes() -> list[object]:
    """The versions and times of change: of whoever reads a lead, nothing changed."""
    with db.engine.connect() as connection:
        return connection.execute(
            sa.select(TABLE.c.id, TABLE.c.version, TABLE.c.updated_at).order_by(TABLE.c.id)
        ).all()


@pytest.mark.every_engine
def test_a_process_of_the_version_before_goes_on_beside_it(app, given):
    """It fills the old column alone. A worker waits until the lead has its reference."""
    given(LeadFactory, last_name="New")
    lead = given(LeadFactory, last_name="Beside", search_text=None, reference="")
    with app.app_context():
        assert (found("beside"), found("jane"), found("new")) == (1, 2, 1)
        backfill.index_texts()
        assert unindexed() == 1
        backfill.run_worker_tick()
        backfill.index_texts()
        assert unindexed() == 0
        assert found("beside") == 1
        reference = db.session.scalar(sa.select(Lead.reference).where(Lead.id == lead.id))
        assert found(reference[2:7]) == 1


@pytest.mark.every_engine
def test_two_workers_at_the_same_leads_index_them_once(app, given, monkeypatch):
    given(LeadFactory, last_name="Twice", search_text=None)
    begin = backfill.transaction

    @contextmanager
    def let_another_in_first():
        monkeypatch.setattr(backfill, "transaction", begin)
        backfill.index_texts()
        with begin():
            yield

    with app.app_context():
        monkeypatch.setattr(backfill, "transaction", let_another_in_first)
        backfill.index_texts()
        assert found("twice") == 1


ERASE = {
    "sqlite": "DELETE FROM lead_search WHERE lead_id = '{0}'",
    "postgresql": "DELETE FROM lead_search WHERE lead_id = '{0}'",
    "mysql": "DELETE FROM lead_search WHERE lead_id = UNHEX('{0}')",
}
"""As docs/security.md says it, with the digits of the id."""


@pytest.mark.every_engine
def test_what_is_erased_is_no_longer_in_the_index(app, given):
    lead, other = given(LeadFactory, last_name="Erased"), given(LeadFactory, last_name="Other")
    with app.app_context(), transaction():
        db.session.execute(sa.text(ERASE[db.engine.dialect.name].format(lead.id.hex)))
        for word, wanted in (("erased", []), ("as", []), ("other", [other.id]), ("ot", [other.id])):
            assert db.session.scalars(search_index.candidates_query([[word]])).all() == wanted
