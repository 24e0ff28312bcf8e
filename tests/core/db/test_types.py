"""Columns that mean the same on every engine."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa

from leadintake.auth.models import User
from leadintake.auth.permissions import Role
from leadintake.core.db.database import db
from leadintake.core.db.transaction import transaction
from leadintake.core.db.types import new_id
from leadintake.notifications.models import Notification
from tests.factories import NotificationFactory, UserFactory

MOMENTS = (
    datetime(2024, 2, 29, 23, 59, 59, 999999, tzinfo=UTC),
    datetime(2024, 10, 27, 2, 30, tzinfo=timezone(timedelta(hours=2))),
    datetime(1970, 1, 1, tzinfo=timezone(timedelta(hours=-12))),
    datetime(2038, 1, 19, 3, 14, 8, 1, tzinfo=UTC),
)


@pytest.mark.every_engine
@pytest.mark.parametrize("moment", MOMENTS, ids=str)
def test_a_moment_comes_back_as_the_same_moment_in_utc(moment, app, given):
    made = given(NotificationFactory, due_at=moment)
    with app.app_context():
        found = db.session.scalar(sa.select(Notification.due_at).where(Notification.due_at == moment))
        assert db.session.get(Notification, made.id).sent_at is None
    assert found == moment
    assert found.utcoffset() == timedelta(0)


@pytest.mark.every_engine
def test_a_moment_without_a_zone_is_refused(app, rows):
    naive = datetime(2024, 1, 1)  # noqa: DTZ001 - the mistake itself
    with app.app_context():
        with pytest.raises(sa.exc.StatementError, match="naive"):
            db.session.scalars(sa.select(Notification).where(Notification.due_at > naive)).all()
        with pytest.raises(sa.exc.StatementError, match="naive"):
            NotificationFactory(due_at=naive)
        db.session.rollback()
    assert rows(Notification) == []


@pytest.mark.every_engine
@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-14:00"])
def test_the_ends_of_the_calendar_are_no_failure(moment, client, given):
    client.sign_in(given(UserFactory, "manager"))
    for name in ("created_from", "created_to"):
        assert client.get(f"/internal/leads?{name}={moment}").status_code == 200


@pytest.mark.every_engine
def test_moments_are_ordered_to_the_microsecond(app, given):
    moments = [MOMENTS[0] + timedelta(microseconds=number) for number in (3, 1, 2, 0)]
    for moment in moments:
        given(NotificationFactory, due_at=moment)
    with app.app_context():
        found = db.session.scalars(sa.select(Notification.due_at).order_by(Notification.due_at)).all()
    assert found == sorted(moments)


@pytest.mark.every_engine
def test_a_choice_is_kept_as_its_word(app, given):
    user = given(UserFactory, "viewer")
    with app.app_context():
        assert db.session.scalar(sa.text("SELECT role FROM users")) == "viewer"
        assert db.session.get(User, user.id).role is Role.VIEWER
        assert db.session.scalar(sa.select(User.role).where(User.role == "viewer")) is Role.VIEWER


@pytest.mark.every_engine
def test_a_word_that_is_no_choice_is_refused(app, given, rows):
    with app.app_context(), pytest.raises(sa.exc.StatementError, match="emperor"):
        UserFactory(role="emperor")
    assert rows(User) == []


@pytest.mark.every_engine
def test_a_change_moves_updated_at_and_leaves_created_at(app, given, rows):
    made = given(UserFactory)
    with app.app_context(), transaction():
        db.session.get(User, made.id).name = "Changed"
    changed = rows(User)[0]
    assert changed.created_at == made.created_at
    assert changed.updated_at > made.updated_at


def test_ids_rise_with_time_and_are_version_7():
    made = [new_id() for _ in range(1000)]
    assert made == sorted(made)
    assert len(set(made)) == 1000
    assert {one.version for one in made} == {7}
