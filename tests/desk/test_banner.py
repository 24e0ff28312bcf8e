"""What is wrong, in words, over the pages of those who can act."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from leadintake.core import alarms
from leadintake.core.alarms import Problem
from leadintake.core.db.transaction import transaction
from leadintake.core.i18n.languages import use_language
from leadintake.desk import banner
from leadintake.notifications.service import notifications
from tests.factories import UserFactory

MAIL = Problem(
    "No mail has left since %(since)s.",
    "Nothing is lost: it goes out once the mail server takes it.",
    {"since": datetime(2026, 7, 1, 13, 5, tzinfo=UTC)},
    page="desk.messages.show",
)
QUARANTINE = Problem("It is full.", "Look.", severity="warning", page="desk.quarantine.show")


@pytest.fixture
def wrong(app, monkeypatch):
    """Something is wrong, and a worker is alive."""
    monkeypatch.setattr(alarms, "FRESH_SECONDS", 0)
    with app.app_context(), transaction():
        notifications.record_beat("worker:1")
    alarms.register(app, "quarantine", lambda: QUARANTINE)
    alarms.register(app, "mail", lambda: MAIL)


@pytest.mark.parametrize("trait", ["manager", "admin"])
def test_managers_read_what_is_wrong_and_what_to_do(browser, given, wrong, trait):
    page = browser().sign_in(given(UserFactory, trait)).get("/desk").text
    assert "No mail has left since 1 Jul 2026, 13:05." in page
    assert "Nothing is lost" in page
    assert 'role="alert"><p><strong>' in page
    assert page.index("No mail") < page.index("It is full.")  # the worst first
    assert 'role="status"><p><strong>' in page
    assert '<a href="/desk/messages">See the messages</a>' in page


@pytest.mark.parametrize("traits", [(), ("viewer",)])
def test_others_and_strangers_do_not(browser, given, wrong, traits):
    somebody = browser().sign_in(given(UserFactory, *traits))
    assert "No mail has left" not in somebody.get("/desk").text
    assert "No mail has left" not in browser().get("/desk/sign-in").text


def test_nothing_wrong_is_nothing_said(app, browser, given):
    with app.app_context(), transaction():
        notifications.record_beat("worker:1")
    page = browser().sign_in(given(UserFactory, "manager")).get("/desk").text
    assert "banner" not in page


def test_what_cannot_be_found_out_costs_nobody_the_page(app, browser, given, wrong):
    alarms.register(app, "riddle", lambda: 1 / 0)
    manager = browser().sign_in(given(UserFactory, "manager"))
    assert manager.get("/desk").status_code == 200


def test_it_is_translated(app, wrong):
    with app.test_request_context("/desk"), use_language("es"):
        assert banner.lines()[0].sentence.startswith("No ha salido ningún correo desde ")


def test_it_is_found_out_once_in_a_while_not_for_every_page(app, wrong, monkeypatch):
    monkeypatch.setattr(alarms, "FRESH_SECONDS", 60)
    asked = []
    alarms.register(app, "kettle", lambda: asked.append(1))
    with app.app_context():
        assert [*alarms.recent_problems()] == [*alarms.recent_problems()] != []
    assert len(asked) == 1
