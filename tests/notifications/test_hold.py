"""MAIL_HOLD and MAIL_REDIRECT_TO: nothing leaves by mistake, and everybody who looks is told."""

from __future__ import annotations

import json

import pytest

from leadintake.core import checks, chores
from leadintake.notifications.models import Notification, Status
from tests.factories import NotificationFactory, UserFactory
from tests.support.outbox import deliver

HOLD = "MAIL_HOLD is on: no mail leaves, what is due waits."
REDIRECTED = "MAIL_REDIRECT_TO is set: every mail goes to rehearsal@firm.example."


@pytest.fixture(params=["held", "redirected", "neither"])
def sentence(app, request) -> str:
    if request.param == "held":
        app.config["MAIL_HOLD"] = True
        return HOLD
    if request.param == "redirected":
        app.config["MAIL_REDIRECT_TO"] = "rehearsal@firm.example"
        return REDIRECTED
    return ""


def test_nothing_leaves_while_mail_is_on_hold_and_all_of_it_afterwards(app, given, rows):
    app.config["MAIL_HOLD"] = True
    given(NotificationFactory)
    looked = []
    app.extensions["leadintake.rounds"] = []
    chores.on_worker_tick(app, lambda: bool(looked.append(1)))
    assert deliver(app) == 0
    assert looked == [1]
    assert [(one.status, one.attempts) for one in rows(Notification)] == [(Status.QUEUED, 0)]
    app.config["MAIL_HOLD"] = False
    assert deliver(app) == 1


def test_the_list_says_so_beside_what_programs_read(app, given, sentence):
    given(NotificationFactory)
    result = app.test_cli_runner().invoke(args=["outbox", "list", "--format", "json"])
    assert result.exit_code == 0
    assert len(json.loads(result.stdout)) == 1
    assert result.stderr.strip() == sentence


def test_the_doctor_says_so(app, sentence):
    with app.app_context():
        found = {finding.part: finding.detail for finding in checks.findings()}
        assert found["recipients"].startswith(sentence)
        assert ("No receiver of incidents is told" in found["recipients"]) is bool(sentence)
        assert "recipients" not in checks.readiness()


def test_the_desk_says_so(browser, given, sentence):
    manager = given(UserFactory, "manager")
    page = browser().sign_in(manager).get("/desk/messages").text
    assert (f'role="status">{sentence}</p>' in page) == bool(sentence)
