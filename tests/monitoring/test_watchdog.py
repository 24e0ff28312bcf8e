"""The watchdog: one incident a cause, told until it is known, resolved by itself."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from leadintake.core import alarms, checks
from leadintake.core.alarms import Problem
from leadintake.core.clock import now
from leadintake.core.transaction import transaction
from leadintake.monitoring import problems, sending
from leadintake.monitoring.models import Incident
from leadintake.monitoring.sending import key_of, sign
from leadintake.monitoring.watchdog import Watchdog
from leadintake.notifications.service import notifications
from tests.factories import LeadFactory, NotificationFactory
from tests.support.receiver import DROP, HANG, Stub, receiving

ROUTING_KEY = "0123456789abcdef0123456789abcdef"
SECRET = "whsec_" + base64.b64encode(b"x" * 32).decode()
NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.fixture
def stub():
    with receiving(Stub()) as started:
        yield started


@pytest.fixture
def settings(stub):
    return {
        "PAGERDUTY_ROUTING_KEY": ROUTING_KEY,
        "PAGERDUTY_URL": stub.url("/pagerduty"),
        "INCIDENT_WEBHOOK_URL": stub.url("/hook"),
        "INCIDENT_WEBHOOK_SECRET": SECRET,
        "HEARTBEAT_URL": stub.url("/beat?rid=1"),
    }


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(sending, "SILENT_SECONDS", 0.2)


@pytest.fixture
def broken(app):
    """A cause that is wrong while the list has something in it."""
    state: list[Problem] = []
    alarms.register(app, "kettle", lambda: state[0] if state else None)
    return state


@pytest.fixture
def dog(app):
    """A watchdog of a service that has a worker."""
    with app.app_context(), transaction():
        notifications.beat("worker:1")
    return Watchdog(app)


KETTLE = Problem("The kettle is cold since %(since)s.", "Warm it.", {"since": NOON})


def test_all_is_well_is_a_beat_and_nothing_else(dog, stub):
    assert dog.round() == {}
    assert [(request.path, request.body) for request in stub.taken] == [("/beat?rid=1", b"")]


def test_a_problem_is_told_once_and_its_end_once(dog, stub, broken, rows):
    broken.append(KETTLE)
    assert [*dog.round()] == ["kettle"]
    dog.round()
    (triggered,) = (request.json for request in stub.at("/pagerduty"))
    assert triggered["event_action"] == "trigger"
    assert triggered["dedup_key"] == "leadintake/127.0.0.1:8000/kettle"
    assert triggered["payload"]["summary"] == "The kettle is cold since 2026-07-01 12:00 UTC."
    assert triggered["payload"]["severity"] == "critical"
    assert [request.path for request in stub.taken].count("/beat/fail?rid=1") == 2
    assert stub.at("/beat/fail?rid=1")[0].body == b"kettle"
    broken.clear()
    dog.round()
    dog.round()
    assert [request.json["event_action"] for request in stub.at("/pagerduty")] == ["trigger", "resolve"]
    hooks = stub.at("/hook")
    assert [request.json["type"] for request in hooks] == ["incident.opened", "incident.resolved"]
    assert hooks[0].headers["webhook-id"] != hooks[1].headers["webhook-id"]
    assert rows(Incident) == []


def test_a_webhook_is_signed_as_its_standard_says(dog, stub, broken):
    broken.append(KETTLE)
    dog.round()
    (hook,) = stub.at("/hook")
    told, moment = hook.headers["webhook-id"], int(hook.headers["webhook-timestamp"])
    assert hook.headers["webhook-signature"] == sign(key_of(SECRET), told, moment, hook.body)
    assert abs(moment - datetime.now(UTC).timestamp()) < 60


def test_a_signature_is_that_of_the_standards_own_example():
    key = key_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    signature = sign(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("fault", [500, 429, 302, HANG, DROP])
def test_a_receiver_that_fails_is_told_in_the_next_round_and_the_other_at_once(dog, stub, broken, fault):
    stub.says["/hook"] = [fault, 204]
    broken.append(KETTLE)
    dog.round()
    assert len(stub.at("/pagerduty")) == 1
    dog.round()
    dog.round()
    assert len(stub.at("/pagerduty")) == 1
    first, second = stub.at("/hook")
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert stub.at("/elsewhere") == []


def test_one_that_is_not_there_keeps_nothing_back(app, dog, stub, broken):
    app.config["INCIDENT_WEBHOOK_URL"] = "http://127.0.0.1:9/hook"
    broken.append(KETTLE)
    dog.round()
    assert len(stub.at("/pagerduty")) == 1
    assert len(stub.at("/beat/fail?rid=1")) == 1
    app.config["INCIDENT_WEBHOOK_URL"] = stub.url("/hook")
    dog.round()
    assert len(stub.at("/hook")) == 1


def test_what_may_have_been_taken_is_also_told_that_it_is_over(dog, stub, broken, rows):
    stub.says["/pagerduty"] = [HANG, 202]
    broken.append(KETTLE)
    dog.round()
    broken.clear()
    dog.round()
    assert [request.json["event_action"] for request in stub.at("/pagerduty")] == ["trigger", "resolve"]
    assert rows(Incident) == []


def test_many_watchdogs_tell_of_one_incident(app, dog, stub, broken):
    broken.append(KETTLE)
    for other in (dog, Watchdog(app), Watchdog(app)):
        other.round()
    assert len(stub.at("/pagerduty")) == len(stub.at("/hook")) == 1


@pytest.mark.every_engine
def test_one_record_is_kept_and_leased_at_a_time(app, dog, rows):
    with app.app_context():
        assert dog.rows.open("kettle", KETTLE)
        assert not dog.rows.open("kettle", KETTLE)
        record = dog.rows.lease("kettle")
        assert dog.rows.lease("kettle") is None
        with time_machine.travel(now() + timedelta(seconds=61)):
            assert dog.rows.lease("kettle") is not None
        record.told["hook"] = 1
        dog.rows.give_back(record)
        assert dog.rows.lease("kettle").told == {"hook": 1}
        assert dog.rows.resolve("kettle")
        assert not dog.rows.resolve("kettle")
        dog.rows.remove(record)  # it changed since it was leased
        assert len(rows(Incident)) == 1
        assert dog.rows.open("kettle", KETTLE)
        assert rows(Incident)[0].changes == 3


def test_a_cause_that_follows_from_another_is_not_told_beside_it(app, client, given, stub):
    given(NotificationFactory, owed_since=now() - timedelta(hours=1))
    assert [*Watchdog(app).round()] == ["worker"]


def test_an_alert_that_waits_too_long_is_one_and_a_confirmation_is_none(app, dog, given):
    with time_machine.travel(NOON, tick=False):
        given(NotificationFactory, kind="prospect_confirmation")
        given(NotificationFactory)
    for minutes, wrong in ((9, False), (11, True)):
        with time_machine.travel(NOON + timedelta(minutes=minutes), tick=False), app.app_context():
            with transaction():
                notifications.beat("worker:1")
            assert ("mail" in dog.round()) is wrong
            if wrong:
                assert str(alarms.look()["mail"]) == "No mail has left since 2026-07-01 12:00 UTC."


def test_failed_alerts_are_a_problem_for_three_days_and_failed_confirmations_none(app, dog, given):
    given(NotificationFactory, "failed", kind="prospect_confirmation")
    assert dog.round() == {}
    given(NotificationFactory, "failed")
    assert str(dog.round()["messages_failed"]) == "Messages to people of the firm that failed for good: 1."
    with time_machine.travel(now() + timedelta(days=4)):
        assert "messages_failed" not in dog.round()


def test_leads_that_wait_and_a_quarantine_nobody_looks_into_are_warnings(app, dog, given, stub):
    given(LeadFactory, assigned_at=now() - timedelta(minutes=59))
    given(LeadFactory, assigned_at=now() - timedelta(days=9), assignment_strategy="manual")
    given(LeadFactory, "quarantined")
    assert dog.round() == {}
    given(LeadFactory, assigned_at=now() - timedelta(minutes=61))
    given(LeadFactory, "quarantined", quarantined_at=now() - timedelta(hours=25))
    given(LeadFactory, "quarantined", "deleted", quarantined_at=now() - timedelta(hours=99))
    wrong = dog.round()
    assert {cause: problem.severity for cause, problem in wrong.items()} == {
        "leads_waiting": "warning",
        "quarantine": "warning",
    }
    assert stub.at("/beat/fail?rid=1") == []  # nothing is broken


def test_a_disk_that_is_nearly_full_is_one(app, dog, monkeypatch):
    monkeypatch.setattr(problems, "LEAST_BYTES", 1 << 62)
    assert [*dog.round()] == ["disk"]


def test_a_storage_that_fails_is_one(app, dog, monkeypatch):
    checks.register(app, "storage", lambda: (_ for _ in ()).throw(OSError("/srv/jane is full")))
    wrong = dog.round()
    assert [*wrong] == ["storage"]
    assert "jane" not in str(wrong["storage"])


def test_a_cause_that_cannot_be_told_hides_no_other_and_changes_nothing(app, dog, stub, broken):
    alarms.register(app, "riddle", lambda: 1 / 0)
    broken.append(KETTLE)
    assert [*dog.round()] == ["kettle"]


def test_nobody_is_named_in_what_leaves(app, dog, given, stub):
    given(NotificationFactory, "failed", recipient="canary@example.com", last_error="550 canary unknown")
    given(LeadFactory, first_name="Canary", assigned_at=now() - timedelta(days=2))
    dog.round()
    assert len(stub.taken) == 5
    assert not [request for request in stub.taken if b"canary" in request.body.lower()]


def test_a_round_by_hand_says_what_is_wrong(app, dog, broken):
    runner = app.test_cli_runner()
    assert "Nothing is wrong." in runner.invoke(args=["watchdog", "--once"]).stdout
    broken.append(KETTLE)
    said = runner.invoke(args=["watchdog", "--once", "--format", "json"])
    assert said.exit_code == 1
    assert json.loads(said.stdout)[0]["cause"] == "kettle"
