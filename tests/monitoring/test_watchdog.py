"""The watchdog: one incident a cause, told until it is known, resolved by itself."""

from __future__ import annotations

import base64
import itertools
import json
import os
import socket
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from structlog.testing import capture_logs

from leadintake.core import alarms, checks
from leadintake.core.alarms import Problem
from leadintake.core.clock import now
from leadintake.core.db.transaction import transaction
from leadintake.monitoring import incidents, problems, sending
from leadintake.monitoring.models import Incident
from leadintake.monitoring.sending import PagerDuty, key_of, sign
from leadintake.monitoring.watchdog import Watchdog
from leadintake.notifications.embedded import Stop
from leadintake.notifications.service import notifications
from tests.factories import LeadFactory, NotificationFactory
from tests.support.receiver import DROP, HANG

ROUTING_KEY = "0123456789abcdef0123456789abcdef"
SECRET = "whsec_" + base64.b64encode(b"x" * 32).decode()
NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


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
    monkeypatch.setattr(sending, "READ_SECONDS", 0.2)


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
        notifications.record_beat("worker:1")
    return Watchdog(app)


KETTLE = Problem("The kettle is cold since %(since)s.", "Warm it.", {"since": NOON})


class Rests(Stop):
    """Lets a worker beat in the first rest, and stops in the one so many rests later."""

    def __init__(self, app, number: int) -> None:
        super().__init__()
        self.app, self.left = app, number

    def sleep(self, seconds: float) -> None:
        with self.app.app_context(), transaction():
            notifications.record_beat("worker:1")
        self.left -= 1
        if not self.left:
            self.stop_event.set()


def test_a_worker_that_starts_together_with_it_is_no_incident(app, rows, stub):
    Watchdog(app).run(Rests(app, 2))
    assert [one.cause for one in rows(Incident) if one.cause == "worker"] == []
    assert [request.path for request in stub.taken] == ["/beat?rid=1"]


def test_a_round_that_fails_is_logged_and_the_next_goes_on(app, monkeypatch, stub):
    rounds = iter([RuntimeError("boom"), {}])

    def fail_once() -> None:
        if isinstance(outcome := next(rounds), Exception):
            raise outcome

    dog = Watchdog(app)
    monkeypatch.setattr(dog, "run_round", fail_once)
    with capture_logs() as logs:
        dog.run(Rests(app, 3))
    assert [line["event"] for line in logs if line["event"] == "watchdog_failed"] == ["watchdog_failed"]
    assert next(rounds, None) is None


def test_all_is_well_is_a_beat_and_nothing_else(dog, stub):
    assert dog.run_round() == {}
    assert [(request.path, request.body) for request in stub.taken] == [("/beat?rid=1", b"")]


def test_a_problem_is_told_in_the_time_of_the_firm(app, dog, stub, broken):
    app.config["TIMEZONE"] = "Europe/Madrid"
    broken.append(KETTLE)
    dog.run_round()
    (triggered,) = (request.json for request in stub.at("/pagerduty"))
    assert triggered["payload"]["summary"] == "The kettle is cold since 2026-07-01 14:00 CEST."


def test_a_problem_is_told_once_and_its_end_once(dog, stub, broken, rows):
    broken.append(KETTLE)
    assert [*dog.run_round()] == ["kettle"]
    dog.run_round()
    (triggered,) = (request.json for request in stub.at("/pagerduty"))
    assert triggered["event_action"] == "trigger"
    assert triggered["dedup_key"] == "leadintake/127.0.0.1:8000/kettle"
    assert triggered["payload"]["summary"] == "The kettle is cold since 2026-07-01 12:00 UTC."
    assert triggered["payload"]["severity"] == "critical"
    assert len(stub.at("/beat?rid=1")) == 2
    assert stub.at("/beat/fail?rid=1") == []  # a check that is down would not notice the machine's end
    broken.clear()
    dog.run_round()
    dog.run_round()
    assert [request.json["event_action"] for request in stub.at("/pagerduty")] == ["trigger", "resolve"]
    hooks = stub.at("/hook")
    assert [request.json["type"] for request in hooks] == ["incident.opened", "incident.resolved"]
    assert hooks[0].headers["webhook-id"] != hooks[1].headers["webhook-id"]
    assert rows(Incident) == []


@pytest.mark.parametrize("store", ["rows", "local"])
def test_a_warning_that_becomes_critical_is_told_again_and_once(app, dog, stub, store):
    kept, receivers = getattr(dog, store), [PagerDuty(stub.url("/pagerduty"), ROUTING_KEY)]
    warning = replace(KETTLE, sentence="The kettle is lukewarm.", values={}, severity="warning")
    with app.app_context():
        for problem in (warning, warning, KETTLE, warning, KETTLE, None):
            incidents.record_findings(kept, {"kettle": problem}, dog.name)
            incidents.notify(kept, receivers)
    bodies = [request.json for request in stub.at("/pagerduty")]
    assert [(one["event_action"], one.get("payload", {}).get("severity")) for one in bodies] == [
        ("trigger", "warning"),
        ("trigger", "critical"),
        ("resolve", None),
    ]
    assert bodies[1]["payload"]["summary"].startswith("The kettle is cold")
    assert len({body["dedup_key"] for body in bodies}) == 1


def test_a_cause_that_nobody_looks_at_any_more_is_resolved(app, dog, stub, broken, rows):
    broken.append(KETTLE)
    dog.run_round()
    del app.extensions["leadintake.alarms"]["kettle"]  # the scanner was taken out of the configuration
    dog.run_round()
    assert [request.json["event_action"] for request in stub.at("/pagerduty")] == ["trigger", "resolve"]
    assert rows(Incident) == []


def test_a_webhook_is_signed_as_its_standard_says(dog, stub, broken):
    broken.append(KETTLE)
    dog.run_round()
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
    dog.run_round()
    assert len(stub.at("/pagerduty")) == 1
    dog.run_round()
    dog.run_round()
    assert len(stub.at("/pagerduty")) == 1
    first, second = stub.at("/hook")
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert stub.at("/elsewhere") == []


def test_one_that_is_not_there_keeps_nothing_back(app, dog, stub, broken):
    app.config["INCIDENT_WEBHOOK_URL"] = "http://127.0.0.1:9/hook"
    broken.append(KETTLE)
    dog.run_round()
    assert len(stub.at("/pagerduty")) == 1
    assert len(stub.at("/beat?rid=1")) == 1
    app.config["INCIDENT_WEBHOOK_URL"] = stub.url("/hook")
    dog.run_round()
    assert len(stub.at("/hook")) == 1


def test_what_may_have_been_taken_is_also_told_that_it_is_over(dog, stub, broken, rows):
    stub.says["/pagerduty"] = [HANG, 202]
    broken.append(KETTLE)
    dog.run_round()
    broken.clear()
    dog.run_round()
    assert [request.json["event_action"] for request in stub.at("/pagerduty")] == ["trigger", "resolve"]
    assert rows(Incident) == []


@pytest.mark.parametrize(("name", "value"), [("MAIL_HOLD", True), ("MAIL_REDIRECT_TO", "all@firm.example")])
def test_a_copy_or_a_rehearsal_tells_nobody_and_says_so_once(app, dog, stub, broken, name, value):
    broken.append(KETTLE)
    dog.run_round()
    stub.taken.clear()
    usual, app.config[name] = app.config[name], value
    broken.clear()  # a copy must not resolve what is wrong at the service it was made from
    with capture_logs() as lines:
        for _ in range(2):
            assert dog.run_round() == {}
    assert stub.taken == []
    assert [line["event"] for line in lines].count("watchdog_tells_nobody") == 1
    app.config[name] = usual
    dog.run_round()
    assert [request.json["event_action"] for request in stub.at("/pagerduty")] == ["resolve"]
    assert [request.path for request in stub.taken].count("/beat?rid=1") == 1


def test_many_watchdogs_tell_of_one_incident(app, dog, stub, broken):
    broken.append(KETTLE)
    for other in (dog, Watchdog(app), Watchdog(app)):
        other.run_round()
    assert len(stub.at("/pagerduty")) == len(stub.at("/hook")) == 1


@pytest.mark.every_engine
def test_one_record_is_kept_and_leased_at_a_time(app, dog, rows):
    with app.app_context():
        assert dog.rows.open("kettle", KETTLE, "one")
        assert not dog.rows.open("kettle", KETTLE, "one")
        record = dog.rows.lease("kettle")
        assert dog.rows.lease("kettle") is None
        with time_machine.travel(now() + timedelta(seconds=61)):
            assert dog.rows.lease("kettle") is not None
        record.told["hook"] = 1
        dog.rows.release(record)
        assert dog.rows.lease("kettle").told == {"hook": 1}
        assert dog.rows.resolve("kettle", "one")
        assert not dog.rows.resolve("kettle", "one")
        dog.rows.remove(record)  # it changed since it was leased
        assert len(rows(Incident)) == 1
        assert dog.rows.open("kettle", KETTLE, "one")
        assert rows(Incident)[0].changes == 3


class TestHeartbeatAlone:
    """Where it is the only one who is told, it says what is broken."""

    @pytest.fixture
    def settings(self, stub):
        return {"HEARTBEAT_URL": stub.url("/beat?rid=1")}

    def test_it_fails_while_something_is_broken(self, dog, stub, broken):
        broken.append(KETTLE)
        dog.run_round()
        broken.clear()
        dog.run_round()
        assert [(one.path, one.body) for one in stub.taken] == [
            ("/beat/fail?rid=1", b"kettle"),
            ("/beat?rid=1", b""),
        ]

    def test_it_does_not_fail_for_days_over_a_message(self, dog, stub, given):
        given(NotificationFactory, "failed")
        assert [*dog.run_round()] == ["messages_failed"]
        assert [one.path for one in stub.taken] == ["/beat?rid=1"]

    def test_it_does_not_fail_for_a_warning(self, dog, stub, given):
        given(LeadFactory, assigned_at=now() - timedelta(minutes=61))
        assert [*dog.run_round()] == ["leads_waiting"]
        assert [one.path for one in stub.taken] == ["/beat?rid=1"]


class TestMachines:
    """What is wrong on one machine alone."""

    @pytest.fixture(params=["rows", "local"])
    def look(self, app, request, stub, dog):
        """Have the watchdog of a machine look, a minute later each time."""
        kept, receivers = getattr(dog, request.param), [PagerDuty(stub.url("/pagerduty"), ROUTING_KEY)]
        minutes = itertools.count()

        def look(machine: str, problem: Problem | None) -> list[str]:
            moment = NOON + timedelta(minutes=next(minutes))
            with app.app_context(), time_machine.travel(moment, tick=False):
                incidents.record_findings(kept, {"kettle": problem}, machine)
                incidents.notify(kept, receivers)
            return [body.json["event_action"] for body in stub.at("/pagerduty")]

        return look

    def test_the_watchdog_of_another_does_not_resolve_it(self, look):
        for _ in range(4):
            assert look("wrong here", KETTLE) == ["trigger"]
            assert look("right there", None) == ["trigger"]
        assert look("wrong here", None) == ["trigger", "resolve"]

    def test_what_both_find_wrong_is_resolved_by_the_last(self, look):
        assert look("one", KETTLE) == ["trigger"]
        assert look("other", KETTLE) == ["trigger"]
        assert look("one", None) == ["trigger"]
        assert look("other", None) == ["trigger", "resolve"]

    def test_a_watchdog_that_is_gone_keeps_nothing_open_for_long(self, look):
        look("gone", KETTLE)
        for _ in range(2):
            assert look("other", None) == ["trigger"]
        assert look("other", None) == ["trigger", "resolve"]

    def test_two_processes_of_one_machine_are_two(self, app, dog):
        name = f"{socket.gethostname()}:{os.getpid()}"
        assert [dog.name, Watchdog(app, "other").name] == [name, "other"]


class TestAQuestionThatFailed:
    """A storage, a scanner or a database that did not answer once."""

    @pytest.fixture
    def minute(self, app, dog, stub):
        """Make a round at a minute, in which the storage fails or not, and return what was told."""
        fails: list[bool] = []

        def look() -> None:
            if fails[-1]:
                raise OSError("away")

        checks.register(app, "storage", look)

        def minute(number: int, *, failing: bool) -> list[str]:
            fails.append(failing)
            with time_machine.travel(NOON + timedelta(minutes=number), tick=False), app.app_context():
                with transaction():
                    notifications.record_beat("worker:1")
                assert [*dog.run_round()] == (["storage"] if failing else [])
            return [body.json["event_action"] for body in stub.at("/pagerduty")]

        return minute

    def test_once_is_told_to_nobody(self, app, minute, stub, rows):
        for name in ("PAGERDUTY_ROUTING_KEY", "INCIDENT_WEBHOOK_URL"):
            app.config[name] = ""
        assert minute(0, failing=True) == []
        assert minute(1, failing=False) == []
        assert {one.path for one in stub.taken} == {"/beat?rid=1"}
        assert rows(Incident) == []

    def test_twice_running_is_told_once(self, minute):
        assert minute(0, failing=True) == []
        assert minute(1, failing=True) == minute(2, failing=True) == ["trigger"]
        assert minute(3, failing=False) == ["trigger", "resolve"]
        assert minute(4, failing=True) == ["trigger", "resolve"]
        assert minute(5, failing=False) == ["trigger", "resolve"]


def test_a_cause_that_follows_from_another_is_not_told_beside_it(app, client, given, stub):
    given(NotificationFactory, owed_since=now() - timedelta(hours=1))
    assert [*Watchdog(app).run_round()] == ["worker"]


def test_an_alert_that_waits_too_long_is_one_and_a_confirmation_is_none(app, dog, given):
    with time_machine.travel(NOON, tick=False):
        given(NotificationFactory, kind="prospect_confirmation")
        given(NotificationFactory)
    for minutes, wrong in ((9, False), (11, True)):
        with time_machine.travel(NOON + timedelta(minutes=minutes), tick=False), app.app_context():
            with transaction():
                notifications.record_beat("worker:1")
            assert ("mail" in dog.run_round()) is wrong
            if wrong:
                assert str(alarms.find_problems()["mail"]) == "No mail has left since 2026-07-01 12:00 UTC."


def test_failed_alerts_are_a_problem_for_three_days_and_failed_confirmations_none(app, dog, given):
    given(NotificationFactory, "failed", kind="prospect_confirmation")
    assert dog.run_round() == {}
    given(NotificationFactory, "failed")
    assert (
        str(dog.run_round()["messages_failed"]) == "Messages to people of the firm that failed for good: 1."
    )
    with time_machine.travel(now() + timedelta(days=4)):
        assert "messages_failed" not in dog.run_round()


def test_leads_that_wait_and_a_quarantine_nobody_looks_into_are_warnings(dog, given):
    given(LeadFactory, assigned_at=now() - timedelta(minutes=59))
    given(LeadFactory, assigned_at=now() - timedelta(days=9), assignment_strategy="manual")
    given(LeadFactory, "quarantined", assigned_at=now() - timedelta(hours=9))
    assert dog.run_round() == {}
    given(LeadFactory, assigned_at=now() - timedelta(minutes=61))
    given(LeadFactory, "quarantined", quarantined_at=now() - timedelta(hours=25))
    given(LeadFactory, "quarantined", "deleted", quarantined_at=now() - timedelta(hours=99))
    wrong = dog.run_round()
    assert {cause: problem.severity for cause, problem in wrong.items()} == {
        "leads_waiting": "warning",
        "quarantine": "warning",
    }


def test_a_disk_that_is_nearly_full_is_one(app, dog, monkeypatch):
    monkeypatch.setattr(problems, "LEAST_BYTES", 1 << 62)
    assert [*dog.run_round()] == ["disk"]


def test_a_storage_that_fails_is_one(app, dog, monkeypatch):
    checks.register(app, "storage", lambda: (_ for _ in ()).throw(OSError("/srv/jane is full")))
    wrong = dog.run_round()
    assert [*wrong] == ["storage"]
    assert "jane" not in str(wrong["storage"])


def test_a_cause_that_cannot_be_told_hides_no_other_and_changes_nothing(app, dog, stub, broken):
    alarms.register(app, "riddle", lambda: 1 / 0)
    broken.append(KETTLE)
    assert [*dog.run_round()] == ["kettle"]


def test_nobody_is_named_in_what_leaves(app, dog, given, stub):
    given(NotificationFactory, "failed", recipient="canary@example.com", last_error="550 canary unknown")
    given(LeadFactory, first_name="Canary", assigned_at=now() - timedelta(days=2))
    dog.run_round()
    assert len(stub.taken) == 5
    assert not [request for request in stub.taken if b"canary" in request.body.lower()]


def test_a_round_by_hand_says_what_is_wrong(app, dog, broken):
    runner = app.test_cli_runner()
    assert "Nothing is wrong." in runner.invoke(args=["watchdog", "--once"]).stdout
    broken.append(KETTLE)
    said = runner.invoke(args=["watchdog", "--once", "--format", "json"])
    assert said.exit_code == 1
    assert json.loads(said.stdout)[0]["cause"] == "kettle"
