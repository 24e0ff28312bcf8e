"""One's own sessions: where one is signed in, and how it ends."""

from __future__ import annotations

import pytest
import time_machine

from leadintake.audit.models import AuditEntry
from leadintake.auth import passwords
from leadintake.auth.people.service import users
from leadintake.auth.service import auth
from leadintake.auth.sessions.devices import name_of_device, network_of
from leadintake.core.actor import SYSTEM
from leadintake.core.db.transaction import transaction
from tests.factories import UserFactory
from tests.support.client import PASSWORD

SESSIONS, SESSION, OWN = "/internal/sessions", "/internal/session", "/internal/password"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
NEW = "quite different words"


@pytest.fixture
def amara(given):
    return given(UserFactory, email="amara@firm.example.com")


def test_the_list_names_device_and_network_and_no_more(browser, amara, given):
    browser().sign_in(given(UserFactory))
    phone, desk = browser(), browser()
    desk.environ_base.update({"HTTP_USER_AGENT": FIREFOX, "REMOTE_ADDR": "192.0.2.77"})
    phone.sign_in(amara)
    desk.sign_in(amara)
    listed = desk.get(SESSIONS).json["items"]
    assert [one["current"] for one in listed] == [True, False]
    assert listed[0]["device"] == "Firefox on Linux"
    assert listed[0]["origin"] == "192.0.0.0/16"
    assert set(listed[0]) == {"id", "device", "origin", "created_at", "last_seen_at", "current"}


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        ("", "A program"),
        ("curl/8.5.0", "A program"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0"
         " Safari/537.36 Edg/140.0.0.0", "Edge on Windows"),
        ("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile"
         " Safari/537.36", "Chrome on Android"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
         " Version/18.0 Mobile/15E148 Safari/604.1", "Safari on iPhone"),
    ],
)  # fmt: skip
def test_a_device_has_a_name_a_person_knows(user_agent, name):
    assert name_of_device(user_agent) == name


@pytest.mark.parametrize(
    ("address", "network"),
    [("203.0.113.9", "203.0.0.0/16"), ("2001:db8:1:2::3", "2001:db8::/32"), ("nowhere", "")],
)
def test_a_network_is_coarse(address, network):
    assert network_of(address) == network


def test_signing_out_everywhere_ends_every_session_and_leaves_nothing_in_the_browser(
    client, browser, amara, given
):
    other, bystander = browser().sign_in(amara), browser().sign_in(given(UserFactory))
    answer = client.sign_in(amara).delete(SESSIONS)
    assert answer.status_code == 204
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert client.get_cookie("leadintake") is None
    assert [one.get(SESSION).status_code for one in (client, other, bystander)] == [401, 401, 200]


def test_signing_out_leaves_nothing_in_the_browser(client, amara):
    assert client.sign_in(amara).delete(SESSION).headers["Clear-Site-Data"] == '"cache", "storage"'


def test_one_session_is_ended_and_only_ones_own(client, browser, amara, given):
    other, stranger = browser().sign_in(amara), browser().sign_in(given(UserFactory))
    client.sign_in(amara)
    theirs = stranger.get(SESSIONS).json["items"][0]["id"]
    assert client.delete(f"{SESSIONS}/{theirs}").status_code == 404
    mine = next(one["id"] for one in client.get(SESSIONS).json["items"] if not one["current"])
    assert client.delete(f"{SESSIONS}/{mine}").status_code == 204
    assert [one.get(SESSION).status_code for one in (client, other, stranger)] == [200, 401, 200]


def test_a_session_stolen_before_a_new_password_is_dead_after_it(client, browser, amara):
    client.sign_in(amara)
    thief = browser()
    thief.set_cookie("leadintake", client.get_cookie("leadintake").value)
    other = browser().sign_in(amara)
    assert thief.get(SESSION).status_code == 200
    answer = client.put(OWN, json={"current_password": PASSWORD, "new_password": NEW})
    assert answer.status_code == 200
    assert [one.get(SESSION).status_code for one in (thief, other, client)] == [401, 401, 200]
    client.csrf_token = answer.json["csrf_token"]
    assert client.delete(SESSION).status_code == 204
    client.sign_in(amara, NEW)


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"current_password": "wrong", "new_password": NEW}, "current_password"),
        ({"current_password": PASSWORD, "new_password": "short"}, "new_password"),
        ({"current_password": PASSWORD}, "new_password"),
    ],
)
def test_a_password_that_cannot_be_changed_like_this_stays(client, browser, amara, body, wrong):
    answer = client.sign_in(amara).put(OWN, json=body)
    assert answer.status_code == 422
    assert set(answer.json["errors"]) == {wrong}
    browser().sign_in(amara)
    assert client.get(SESSION).status_code == 200


@pytest.mark.every_server  # on SQLite a request that may write keeps all others out
@pytest.mark.parametrize("change", ["set_password", "deactivate", "sign_out"])
def test_a_change_made_while_the_present_password_is_checked_wins(
    app, client, browser, amara, monkeypatch, change
):
    client.sign_in(amara)
    checked = passwords.verify

    def slow(*arguments, **known):
        matches = checked(*arguments, **known)
        with app.app_context(), transaction():
            user = auth.find(amara.email)
            if change == "set_password":
                users.set_password(user, "words of the firm", actor=SYSTEM)
            else:
                getattr(users, change)(user, actor=SYSTEM)
        return matches

    monkeypatch.setattr(passwords, "verify", slow)
    answer = client.put(OWN, json={"current_password": PASSWORD, "new_password": NEW})
    monkeypatch.undo()
    assert answer.status_code in (403, 422)
    assert client.get(SESSION).status_code == 401
    again = browser().post(SESSION, json={"email": amara.email, "password": NEW})
    assert again.status_code == 401


def test_a_wrong_present_password_is_on_record(client, amara, rows):
    client.sign_in(amara).put(OWN, json={"current_password": "wrong", "new_password": NEW})
    assert rows(AuditEntry)[-1].action == "password.refused"


@pytest.mark.every_engine
def test_the_token_before_a_rotation_is_good_for_the_requests_on_their_way(app, client, browser, amara):
    with time_machine.travel("2026-03-01T12:00:00Z", tick=False) as clock:
        client.sign_in(amara)
        late = browser()
        late.set_cookie("leadintake", client.get_cookie("leadintake").value)
        app.test_cli_runner().invoke(args=["users", "set-role", amara.email, "viewer"])
        assert client.get(SESSION).status_code == 200
        assert client.get_cookie("leadintake").value != late.get_cookie("leadintake").value
        clock.shift(9)
        assert late.get(SESSION).status_code == 200
        clock.shift(2)
        assert late.get(SESSION).status_code == 401
        assert client.get(SESSION).status_code == 200


class TestGuessing:
    """With limits on signing in."""

    @pytest.fixture
    def settings(self) -> dict[str, object]:
        return {"RATE_LIMIT_LOGINS": "3 per minute"}

    def test_an_open_browser_is_no_place_to_guess_the_password(self, client, amara):
        client.sign_in(amara)
        guess = {"current_password": "wrong", "new_password": NEW}
        assert [client.put(OWN, json=guess).status_code for _ in range(4)] == [422, 422, 422, 429]
