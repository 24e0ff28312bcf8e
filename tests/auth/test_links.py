"""Links in mails: good once, not for long, and telling nobody whether an address is known."""

from __future__ import annotations

import pytest
import time_machine

from leadintake.auth.models import AccountLink, PasswordRequest, SignedInSession
from leadintake.core import chores
from leadintake.core.clock import now
from leadintake.notifications.models import Notification
from tests.factories import UserFactory
from tests.support.client import PASSWORD
from tests.support.links import token_in
from tests.support.waiting import all_at_once

FORGOTTEN, CHOSEN = "/internal/password/forgotten", "/internal/password/chosen"
GOOD = "quite different words"


@pytest.fixture
def amara(given):
    return given(UserFactory, email="amara@firm.example.com", name="Amara Okafor")


@pytest.fixture
def token(app, client, amara, rows) -> str:
    """The token of a link for a new password."""
    assert client.post(FORGOTTEN, json={"email": " AMARA@firm.example.com "}).status_code == 202
    look_after(app)
    (mail,) = rows(Notification)
    assert (mail.kind, mail.recipient) == ("password_reset", amara.email)
    return token_in(app, mail)


def look_after(app) -> None:
    """Do what a worker does before each round of messages."""
    with app.app_context():
        chores.run_worker_ticks(app)


def choose(client, token: str, password: str = GOOD):
    return client.post(CHOSEN, json={"token": token, "password": password})


def test_a_forgotten_password_is_replaced_and_every_session_ends(client, browser, amara, token, rows):
    desk = browser().sign_in(amara)
    assert choose(client, token).status_code == 204
    assert desk.get("/internal/session").status_code == 401
    assert rows(SignedInSession) == rows(AccountLink) == []
    old = browser().post("/internal/session", json={"email": amara.email, "password": PASSWORD})
    assert old.status_code == 401
    browser().sign_in(amara, GOOD)
    assert rows(Notification)[-1].kind == "account_notice"


@pytest.mark.every_engine
def test_a_link_is_good_once_even_for_two_at_once(browser, token):
    answers = all_at_once(2, lambda _: choose(browser(), token).status_code)
    assert sorted(answers) == [204, 404]
    assert choose(browser(), token).status_code == 404


def test_a_weak_password_does_not_spend_the_link(client, token):
    answer = choose(client, token, "short")
    assert answer.status_code == 422
    assert "at least 12" in answer.json["errors"]["password"][0]
    assert choose(client, token).status_code == 204


def test_a_link_is_not_good_for_long(client, amara, app, rows):
    with time_machine.travel("2026-03-01T12:00:00Z", tick=False) as clock:
        client.post(FORGOTTEN, json={"email": amara.email})
        look_after(app)
        token = token_in(app, rows(Notification)[0])
        clock.shift(60 * 60 + 1)
        assert choose(client, token).status_code == 404


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "\u00e9", "\x00", "' OR 1=1 --", "x" * 200])
def test_no_other_token_fits(client, amara, token):
    assert choose(client, token).status_code == 404


def test_the_database_holds_no_token(token, rows):
    (link,) = rows(AccountLink)
    assert token not in (link.token_hash, *(mail.text for mail in rows(Notification)))


def test_a_link_of_somebody_put_out_is_worth_nothing(app, client, token, amara):
    app.test_cli_runner().invoke(args=["users", "deactivate", amara.email])
    assert choose(client, token).status_code == 404


def test_known_and_unknown_addresses_are_answered_alike_and_a_worker_looks_who_it_is(
    app, client, given, amara, rows
):
    given(UserFactory, "inactive", email="gone@firm.example.com")
    given(UserFactory, email="yet@firm.example.com", joined_at=None)
    seen = []
    for email in (
        amara.email,
        "nobody@firm.example.com",
        "gone@firm.example.com",
        "yet@firm.example.com",
        "",
    ):
        answer = client.post(FORGOTTEN, json={"email": email})
        headers = {name: value for name, value in answer.headers if name != "X-Request-Id"}
        seen.append((answer.status_code, answer.data, headers))
    assert all(one == seen[0] for one in seen)
    assert rows(Notification) == rows(AccountLink) == []
    assert len(rows(PasswordRequest)) == 5
    assert not any(amara.email in request.address for request in rows(PasswordRequest))
    look_after(app)
    assert [(mail.kind, mail.recipient) for mail in rows(Notification)] == [
        ("password_reset", amara.email),
        ("invitation", "yet@firm.example.com"),
    ]
    assert rows(PasswordRequest) == []


@pytest.mark.every_engine
def test_several_workers_answer_once(app, client, amara, rows):
    client.post(FORGOTTEN, json={"email": amara.email})
    all_at_once(4, lambda _: look_after(app))
    assert len(rows(Notification)) == 1


def test_links_that_nobody_followed_are_cleared_away(app, client, given, amara, rows):
    with time_machine.travel("2026-03-01T12:00:00Z", tick=False) as clock:
        for email in (amara.email, given(UserFactory).email):
            client.post(FORGOTTEN, json={"email": email})
            look_after(app)
            clock.shift(2 * 60 * 60)
    assert len(rows(AccountLink)) == 1


@pytest.mark.every_server
def test_a_link_used_while_its_user_is_put_out_ends_well(app, browser, given, token, amara, rows):
    """Both lock the user first: neither waits for the other for ever."""
    admin = browser().sign_in(given(UserFactory, "admin"))
    acts = [lambda: choose(browser(), token), lambda: admin.delete(f"/internal/users/{amara.id}")]
    answers = all_at_once(2, lambda one: acts[one]().status_code)
    assert answers in ([204, 204], [404, 204])
    assert (
        browser().post("/internal/session", json={"email": amara.email, "password": GOOD}).status_code == 401
    )


def test_nobody_is_flooded_with_links(app, client, amara, rows):
    with time_machine.travel("2026-03-01T12:00:00Z", tick=False) as clock:
        for _ in range(5):
            assert client.post(FORGOTTEN, json={"email": amara.email}).status_code == 202
            app.test_cli_runner().invoke(args=["worker", "--drain"])
            clock.shift(60)
    assert [mail.kind for mail in rows(Notification)] == ["password_reset"] * 3


class TestLimited:
    """With limits on signing in."""

    @pytest.fixture
    def settings(self) -> dict[str, object]:
        return {"RATE_LIMIT_LOGINS": "3 per minute"}

    def test_nobody_asks_often(self, client):
        answers = [client.post(FORGOTTEN, json={"email": "a@b.example"}).status_code for _ in range(4)]
        assert answers == [202, 202, 202, 429]

    def test_links_are_too_long_to_guess_and_a_busy_office_is_not_kept_waiting(self, client):
        assert [choose(client, "x").status_code for _ in range(6)] == [404] * 6

    def test_whoever_chooses_a_password_by_a_link_has_a_device_that_is_known(
        self, client, browser, token, amara
    ):
        """So strangers who keep an account waiting cannot keep its owner out."""
        right = {"email": amara.email, "password": GOOD}
        with time_machine.travel(now(), tick=False):  # the wait is one second
            for number in range(16):
                wrong = {"email": amara.email, "password": "wrong"}
                place = {"REMOTE_ADDR": f"198.51.100.{number}"}
                browser().post("/internal/session", json=wrong, environ_base=place)
            assert choose(client, token).status_code == 204
            assert browser().post("/internal/session", json=right).status_code == 429
            assert client.post("/internal/session", json=right).status_code == 200
