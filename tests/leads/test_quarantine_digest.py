"""Managers hear once a day of what lies in quarantine, and of nothing where nothing lies there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from leadintake.leads.models import Lead
from leadintake.notifications.models import Notification
from tests.factories import ScreenFactory, UserFactory
from tests.leads.test_quarantine import TRAP
from tests.support.outbox import round_of_a_worker

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)


@pytest.fixture
def clock():
    with time_machine.travel(NOON, tick=False) as clock:
        yield clock


@pytest.fixture
def digests(app, rows):
    """Let a worker work, and say whom it told so far."""

    def work() -> list[str]:
        round_of_a_worker(app)
        return [one.recipient for one in rows(Notification) if one.kind == "quarantine_digest"]

    return work


def test_every_manager_hears_of_it_after_an_hour_and_then_once_a_day(client, given, rows, clock, digests):
    managers = {given(UserFactory, "manager").email, given(UserFactory, "admin").email}
    given(UserFactory)
    client.submit(**TRAP)
    assert digests() == []
    clock.shift(timedelta(minutes=61))
    assert set(digests()) == managers
    for _ in range(3):
        client.submit(**TRAP)
        clock.shift(timedelta(hours=7))
        assert len(digests()) == 2
    clock.shift(timedelta(hours=4))
    assert len(digests()) == 4
    first, *_, last = [one for one in rows(Notification) if one.kind == "quarantine_digest"]
    assert "one submission" in first.text
    assert "4 submissions" in last.text
    for message in (first, last):
        assert "http://127.0.0.1:8000/desk/quarantine" in message.text
        assert "Jane" not in message.text, "strangers choose these words"


def test_nobody_hears_of_an_empty_quarantine(client, given, rows, clock, digests, browser):
    manager = given(UserFactory, "manager")
    client.submit(**TRAP)
    discarded = browser().sign_in(manager).post(f"/internal/quarantine/{rows(Lead)[0].id}/discard")
    assert discarded.status_code == 204
    clock.shift(timedelta(days=2))
    assert digests() == []


def test_who_is_screened_from_all_of_it_hears_nothing(client, given, rows, clock, digests):
    screened, other = given(UserFactory, "manager"), given(UserFactory, "manager")
    client.submit(**TRAP)
    given(ScreenFactory, user=screened, lead_id=rows(Lead)[0].id)
    clock.shift(timedelta(days=2))
    assert digests() == [other.email]
