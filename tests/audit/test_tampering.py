"""What somebody changed behind the service is found, and the first such entry named."""

from __future__ import annotations

import uuid
from datetime import timedelta
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from leadintake.audit import chain
from leadintake.audit.chain import Broken, Head
from leadintake.audit.models import AuditEntry, AuditHead
from leadintake.audit.service import PURPOSE, audit
from leadintake.audit.verification import verify
from leadintake.core.actor import SYSTEM
from leadintake.core.clock import now
from leadintake.core.crypto import keys
from leadintake.core.db.database import db
from leadintake.core.db.transaction import transaction
from leadintake.core.db.types import new_id
from tests.support.ledger import LONG
from tests.support.trail import tamper

ENTRIES, HEADS = AuditEntry.__table__, AuditHead.__table__
MANY = 100_000 if LONG else 10_000


@pytest.fixture
def trail(app):
    """Seven entries."""
    with app.app_context():
        for number in range(7):
            with transaction():
                audit.record("act", actor=SYSTEM, number=number)
    return app


def finding(app, published: Head | None = None) -> str:
    """What verifying says, nothing if all is well."""
    with app.app_context():
        try:
            verify(published)
        except Broken as error:
            return str(error)
    return ""


def of(number: int):
    return ENTRIES.update().where(ENTRIES.c.number == number)


@pytest.mark.every_engine
@pytest.mark.parametrize("act", ["update", "delete"])
def test_the_database_itself_refuses_to_change_an_entry(trail, act):
    statement = of(3).values(action="other") if act == "update" else ENTRIES.delete()
    with trail.app_context(), pytest.raises(DBAPIError, match="append-only"), db.engine.begin() as connection:
        connection.execute(statement)
    assert finding(trail) == ""


@pytest.mark.every_engine
def test_a_trail_that_nobody_touched_holds(trail):
    with trail.app_context():
        assert verify() == audit.head()
        assert audit.head().number == 7


def test_an_empty_trail_holds(app):
    assert finding(app) == ""
    with app.app_context():
        assert verify(Head(0, "")).number == 0


CHANGES = {
    "id": new_id(),
    "created_at": now(),
    "updated_at": now(),
    "actor_kind": "user",
    "actor_id": uuid.uuid4(),
    "action": "other",
    "subject_kind": "lead",
    "subject_id": uuid.uuid4(),
    "via": "command",
    "origin": "192.0.2.1",
    "detail": '{"number":8}',
    "hash": "0" * 64,
}


@pytest.mark.parametrize("column", CHANGES)
def test_a_change_of_any_column_is_found(trail, column):
    tamper(trail, of(4).values({column: CHANGES[column]}))
    assert finding(trail).startswith("Entry 4 was altered")


def test_every_column_is_covered():
    assert {*CHANGES, "number", "key_id"} == {column.name for column in ENTRIES.columns}


@pytest.mark.every_engine
def test_a_time_moved_by_a_microsecond_is_found(trail):
    with trail.app_context():
        at = db.session.scalar(sa.select(AuditEntry.created_at).where(AuditEntry.number == 2))
    moved = at + timedelta(microseconds=1)
    tamper(trail, of(2).values(created_at=moved, updated_at=moved))
    assert finding(trail).startswith("Entry 2 was altered")


@pytest.mark.every_engine
def test_an_entry_removed_is_named(trail):
    tamper(trail, ENTRIES.delete().where(ENTRIES.c.number == 3))
    assert finding(trail) == "Entry 3 is missing."


def test_an_entry_removed_and_the_rest_moved_up_is_named(trail):
    up = [of(number).values(number=number - 1) for number in range(4, 8)]
    tamper(trail, ENTRIES.delete().where(ENTRIES.c.number == 3), *up, HEADS.update().values(number=6))
    assert finding(trail).startswith("Entry 3 was altered, or is not where it was written")


def test_two_entries_that_changed_places_are_found_at_the_first(trail):
    tamper(trail, of(2).values(number=99), of(5).values(number=2), of(99).values(number=5))
    assert finding(trail).startswith("Entry 2 ")


def test_an_entry_put_in_between_is_found(trail):
    down = [of(number).values(number=number + 1) for number in range(7, 3, -1)]
    with trail.app_context():
        row = db.session.execute(sa.select(ENTRIES).where(ENTRIES.c.number == 3)).one()._asdict()
    forged = ENTRIES.insert().values({**row, "id": new_id(), "number": 4})
    tamper(trail, *down, forged, HEADS.update().values(number=8))
    assert finding(trail).startswith("Entry 4 ")


def test_an_entry_added_at_the_end_without_the_key_is_found(trail):
    with trail.app_context():
        row = db.session.execute(sa.select(ENTRIES).where(ENTRIES.c.number == 7)).one()._asdict()
    tamper(trail, ENTRIES.insert().values({**row, "id": new_id(), "number": 8}))
    tamper(trail, HEADS.update().values(number=8))
    assert finding(trail).startswith("Entry 8 ")


def test_an_end_cut_off_is_found(trail):
    tamper(trail, ENTRIES.delete().where(ENTRIES.c.number > 5))
    assert finding(trail) == "Entry 6 is missing, and so is all that followed it."


def test_an_end_cut_off_with_the_head_moved_back_is_found_by_its_seal(trail):
    with trail.app_context():
        fifth = db.session.scalar(sa.select(AuditEntry.hash).where(AuditEntry.number == 5))
    tamper(trail, ENTRIES.delete().where(ENTRIES.c.number > 5), HEADS.update().values(number=5, hash=fifth))
    assert "may have been cut off" in finding(trail)


def test_an_old_head_put_back_with_its_seal_is_found_by_one_that_was_published(app):
    kept, published = None, None
    for number in range(3):
        with app.app_context(), transaction():
            audit.record("act", actor=SYSTEM, number=number)
        with app.app_context():
            published = audit.head()
            if number == 1:
                kept = db.session.execute(sa.select(HEADS)).one()._asdict()
    tamper(app, ENTRIES.delete().where(ENTRIES.c.number == 3), HEADS.update().values(kept))
    assert finding(app) == ""  # from the inside alone nothing can be seen
    assert finding(app, published).startswith("Entry 3 is missing: the trail was longer")


def test_a_trail_written_anew_with_the_key_is_found_by_a_head_that_was_published(trail):
    with trail.app_context():
        published = audit.head()
    tamper(trail, ENTRIES.delete(), HEADS.update().values(number=0, hash="", seal=""))
    with trail.app_context():
        for number in range(9):
            with transaction():
                audit.record("act", actor=SYSTEM, number=number)
    assert finding(trail) == ""
    assert finding(trail, published) == "Entry 7 is another than the one that was published."


@pytest.mark.parametrize("later", [0, 4])
def test_a_head_that_was_published_is_found_on_the_chain_that_grew(trail, later):
    with trail.app_context():
        published = audit.head()
        for number in range(later):
            with transaction():
                audit.record("act", actor=SYSTEM, number=number)
    assert finding(trail, published) == ""
    assert finding(trail, Head(published.number, "f" * 64)).startswith("Entry 7 is another")


def test_a_key_that_was_rotated_still_verifies_and_one_thrown_away_is_said(trail):
    trail.config["SECRET_KEY_FALLBACKS"] = [trail.config["SECRET_KEY"]]
    trail.config["SECRET_KEY"] = "another secret altogether, of forty letters"
    with trail.app_context(), transaction():
        audit.record("act", actor=SYSTEM)
    assert finding(trail) == ""
    trail.config["SECRET_KEY_FALLBACKS"] = []
    assert "SECRET_KEY_FALLBACKS" in finding(trail)
    assert finding(trail).startswith("Entry 1 ")


def test_among_many_the_altered_entry_is_named(app):
    with app.app_context():
        key, head, at = keys(PURPOSE)[0], Head(0, ""), now()
        fixed = {"created_at": at, "updated_at": at, "actor_kind": "system", "action": "act", "via": "worker"}
        empty = {"actor_id": None, "subject_kind": "", "subject_id": None, "origin": "", "detail": "{}"}
        made = []
        for number in range(1, MANY + 1):
            row = {"id": new_id(), "number": number, "key_id": chain.key_id(key), **fixed, **empty}
            head = Head(number, chain.hash_of(SimpleNamespace(**row), head.hash, key))
            made.append({**row, "hash": head.hash})
        with db.engine.begin() as connection:
            connection.execute(ENTRIES.insert(), made)
            moved = {"number": head.number, "hash": head.hash, "seal": chain.seal_of(head, key)}
            connection.execute(HEADS.update().values(moved))
    altered = MANY * 3 // 5
    tamper(app, of(altered).values(action="other"))
    assert finding(app).startswith(f"Entry {altered} was altered")
