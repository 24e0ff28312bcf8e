"""Receivers that take nothing are seen: in the doctor, and as a warning of readiness."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest
import time_machine

from leadintake.core import alarms
from leadintake.core.alarms import Problem
from leadintake.core.clock import now
from leadintake.core.db.transaction import transaction
from leadintake.monitoring.watchdog import Watchdog
from leadintake.notifications.service import notifications
from tests.support.doctor import PARTS, ask_doctor

PART = "incident receivers"
pytestmark = pytest.mark.usefixtures("well")


@pytest.fixture
def settings(stub):
    return {
        "PAGERDUTY_ROUTING_KEY": "0123456789abcdef0123456789abcdef",
        "PAGERDUTY_URL": stub.url("/pagerduty"),
        "INCIDENT_WEBHOOK_URL": stub.url("/hook"),
        "INCIDENT_WEBHOOK_SECRET": "whsec_" + base64.b64encode(b"x" * 32).decode(),
        "HEARTBEAT_URL": stub.url("/beat"),
    }


@pytest.fixture
def minute(app, client):
    """Make a round at a minute; return what the doctor and readiness say of the receivers."""
    dog, begun = Watchdog(app), now()

    def minute(number: int) -> tuple[str, list[str]]:
        with time_machine.travel(begun + timedelta(minutes=number)):
            with app.app_context(), transaction():
                notifications.record_beat("worker:1")
            dog.run_round()
            answer = client.get("/readyz")
            assert answer.status_code == 200
            said = ask_doctor(app, {*PARTS, PART}).get(PART, "")
            return said, answer.json.get("warnings", [])

    return minute


@pytest.fixture
def broken(app):
    alarms.register(app, "kettle", lambda: Problem("The kettle is cold.", "Warm it."))


@pytest.mark.usefixtures("broken")
@pytest.mark.parametrize(("path", "name"), [("/pagerduty", "pagerduty"), ("/hook", "webhook")])
def test_one_that_takes_nothing_for_five_minutes_is_named_until_it_does(minute, stub, path, name):
    stub.says[path] = [404]
    assert minute(0) == ("", [])
    assert minute(4) == ("", [])
    said, warnings = minute(6)
    assert said.startswith(f"Not told of an incident for five minutes: {name}. ")
    assert warnings == [PART]
    stub.says[path] = [202]
    assert minute(7) == ("", [])


def test_a_heartbeat_that_is_not_taken_is_named_until_it_is(minute, stub):
    stub.says["/beat"] = [404]
    for number in range(5):
        assert minute(number) == ("", [])
    said, warnings = minute(6)
    assert said.startswith("The heartbeat has not been taken since ")
    assert "(status 404)" in said
    assert warnings == [PART]
    stub.says["/beat"] = [200]
    assert minute(7) == ("", [])


@pytest.mark.usefixtures("broken")
def test_a_copy_that_tells_nobody_lacks_nobody(app, minute):
    app.config["MAIL_HOLD"] = True
    for number in (0, 6):
        assert minute(number) == ("", [])
