"""Migration 0009: every old lead gets a reference, however often the migration is cut short."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from flask_migrate import downgrade, stamp, upgrade

from leadintake.core.clock import now
from leadintake.core.db import schema
from leadintake.core.db.database import db, read_only
from leadintake.core.db.transaction import transaction
from leadintake.core.db.types import new_id
from leadintake.documents.models import Document
from leadintake.leads import backfill
from leadintake.leads.models import Lead
from leadintake.leads.reference import parse_reference
from tests.support.killed import Killed, killed_at

BEFORE, AFTER = "0008", "0009"
OLD_LEADS = 10_000 if os.environ.get("LEADINTAKE_FAULTS") == "full" else 500


@pytest.fixture
def old(app) -> Iterator[None]:
    """The database as the version before left it, with leads of that time."""
    with app.app_context():
        downgrade(revision=BEFORE)
        try:
            add_old_leads(OLD_LEADS)
            yield
        finally:
            db.session.rollback()
            upgrade()


def add_old_leads(count: int) -> None:
    """By the names of their columns: the models are of today."""
    times = dict.fromkeys(("created_at", "updated_at"), now())
    same = {"filename": "a", "content_type": "a", "size": 1, "sha256": "", **times}
    documents = [{"id": new_id(), "key": str(new_id()), **same} for _ in range(count)]
    same = {
        "first_name": "J",
        "last_name": "D",
        "email": "j@d.example",
        "folded_email": "j@d.example",
        **times,
    }
    same |= {
        "folded_email": "j@d.example",
        "searchable": "j d",
        "status": "PENDING",
        "version": 1,
        "assigned_at": now(),
    }
    same |= {"assignment_strategy": "x", "assignment_reason": "x", "submission_fingerprint": ""}
    leads = [{"id": new_id(), "resume_id": one["id"], **same} for one in documents]
    with transaction():
        for table, rows in ((Document.__table__, documents), (Lead.__table__, leads)):
            columns = [sa.column(name, table.c[name].type) for name in rows[0]]
            db.session.execute(sa.insert(sa.table(table.name, *columns)), rows)


def references() -> list[str]:
    with read_only():
        found = db.session.scalars(sa.select(Lead.reference)).all()
        db.session.rollback()
    return [*found]


@pytest.mark.every_engine
def test_every_old_lead_gets_one_of_its_own(old):
    upgrade(revision=AFTER)
    found = references()
    assert len(found) == len(set(found)) == OLD_LEADS
    assert all(parse_reference(one) == one for one in found)


@pytest.mark.long_form  # tests/faults/test_migrations.py does it with each
@pytest.mark.every_engine
def test_killed_at_any_statement_it_can_be_run_again(old, monkeypatch):
    monkeypatch.setattr(schema, "BATCH", OLD_LEADS // 3)
    for statement in itertools.count(1):
        try:
            with killed_at(statement):
                upgrade(revision=AFTER)
        except Killed:
            continue
        break
    assert statement > 10
    found = references()
    assert len(found) == len(set(found)) == OLD_LEADS


def test_run_again_it_leaves_those_that_have_one(old):
    upgrade(revision=AFTER)
    first = references()
    with transaction():
        db.session.execute(sa.update(Lead).where(Lead.reference == first[0]).values(reference=""))
    stamp(revision=BEFORE)
    upgrade(revision=AFTER)
    again = references()
    assert len(set(first) & set(again)) == OLD_LEADS - 1
    assert "" not in again


@pytest.mark.every_engine
def test_a_process_of_the_version_before_goes_on_beside_it(old):
    upgrade(revision=AFTER)
    with transaction():
        db.session.execute(sa.delete(Lead))
        db.session.execute(sa.delete(Document))
    add_old_leads(3)
    assert references() == ["", "", ""]
    backfill.run_worker_tick()
    assert len(set(references()) - {""}) == 3
