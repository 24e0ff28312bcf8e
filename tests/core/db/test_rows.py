"""Rows that are inserted without the ORM's unit of work."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from leadintake.assignment.models import Turn
from leadintake.core.db import rows
from leadintake.core.db.database import db, execute
from leadintake.core.db.transaction import transaction
from leadintake.core.db.types import new_id
from leadintake.leads.disclaimers import Disclaimer
from leadintake.notifications.models import Suppression
from tests.factories import UserFactory
from tests.support.statements import statements

pytestmark = pytest.mark.every_engine


def _add_and_fail() -> None:
    rows.add(Suppression(mailbox="ada@x.example"))
    raise LookupError


def mailboxes() -> list[str]:
    return sorted(db.session.scalars(sa.select(Suppression.mailbox)))


def test_rows_of_a_batch_are_one_insert_a_table_in_the_order_of_their_first(app):
    with app.app_context(), statements(app) as sent, transaction(), rows.batch():
        rows.add(Suppression(mailbox="ada@x.example"))
        rows.add(Disclaimer(version="1", language="en", text="No advice yet."))
        rows.add(Suppression(mailbox="ben@x.example"))
    written = [statement.split()[2] for statement in sent if statement.startswith("INSERT")]
    assert written == ["suppressions", "disclaimers"]
    with app.app_context():
        assert mailboxes() == ["ada@x.example", "ben@x.example"]
        (kept,) = db.session.scalars(sa.select(Disclaimer))
    assert (kept.language, kept.created_at is None) == ("en", False)  # defaults of columns are filled in


def test_values_are_a_row_like_any_other(app):
    with app.app_context(), statements(app) as sent, transaction(), rows.batch():
        rows.add(Suppression(mailbox="ada@x.example"))
        rows.insert(Suppression, mailbox="ben@x.example")
    assert len([statement for statement in sent if statement.startswith("INSERT")]) == 1
    with app.app_context(), transaction():
        rows.insert(Suppression, mailbox="cyd@x.example")
        assert mailboxes() == ["ada@x.example", "ben@x.example", "cyd@x.example"]


def test_without_a_batch_a_row_joins_the_session(app):
    with app.app_context(), transaction():
        row = Suppression(mailbox="ada@x.example")
        rows.add(row)
        assert row in db.session


def test_a_batch_that_fails_writes_nothing_and_leaves_none_open(app):
    with app.app_context():
        with pytest.raises(LookupError), transaction(), rows.batch():
            _add_and_fail()
        assert mailboxes() == []
        with transaction():
            rows.add(Suppression(mailbox="ben@x.example"))
        assert mailboxes() == ["ben@x.example"]


def test_what_joins_the_session_meanwhile_may_belong_to_a_row_of_the_batch(app):
    """The row of the batch is written first, or the foreign key would refuse."""
    with app.app_context():
        user = UserFactory.build(id=new_id())
        with transaction(), rows.batch():
            rows.add(user)
            db.session.add(Turn(user_id=user.id, number=1))
            execute(sa.select(1))
        assert db.session.scalar(sa.select(Turn.user_id)) == user.id
