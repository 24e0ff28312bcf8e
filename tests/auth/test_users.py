"""The people over HTTP: invited, changed, put out; the last admin stays."""

from __future__ import annotations

import pytest

from leadintake.auth.models import SignedInSession, User
from leadintake.notifications.models import Notification
from tests.factories import UserFactory
from tests.support.client import PASSWORD
from tests.support.links import link_in, words_of
from tests.support.mailserver import HOST, Script, free_port, mail_server
from tests.support.waiting import all_at_once

USERS = "/internal/users"
NEW = {"email": "Amara@Firm.example.com", "name": "Amara Okafor", "role": "attorney"}
GOOD = "quite different words"


@pytest.fixture
def ada(given):
    return given(UserFactory, "admin", email="ada@firm.example.com", name="Ada Admin")


@pytest.fixture
def admin(client, ada):
    return client.sign_in(ada)


def address(user) -> str:
    return f"{USERS}/{user.id}"


def test_somebody_is_invited_chooses_a_password_and_signs_in(app, admin, browser, rows):
    answer = admin.post(USERS, json=NEW)
    assert answer.status_code == 201
    assert answer.json["email"] == "amara@firm.example.com"
    assert answer.json["can_intake"] is True
    (mail,) = rows(Notification)
    assert (mail.kind, mail.recipient) == ("invitation", "amara@firm.example.com")
    assert "Ada Admin invites you" in words_of(app, mail)
    guest = browser()
    page = guest.get(link_in(app, mail))
    assert page.status_code == 200
    assert "amara@firm.example.com" in page.text
    done = guest.post(link_in(app, mail), data={"password": GOOD, "again": GOOD})
    assert done.status_code == 303
    assert guest.get("/desk").status_code == 200
    user = next(user for user in rows(User) if user.email == "amara@firm.example.com")
    assert user.joined_at is not None
    guest.sign_in(user, GOOD)


def test_the_words_of_an_invitation_wait_sealed(app, admin, rows):
    admin.post(USERS, json=NEW)
    (mail,) = rows(Notification)
    assert "http" not in mail.text + mail.html
    assert "/account/" in words_of(app, mail)


def test_a_mail_whose_key_is_lost_fails_by_itself(app, admin, rows):
    admin.post(USERS, json=NEW)
    app.config["SECRET_KEY"] = "another secret altogether, of forty letters"
    result = app.test_cli_runner().invoke(args=["worker", "--drain"])
    assert result.exit_code == 0, result.output
    assert rows(Notification)[0].status == "failed"
    assert "cannot be read" in rows(Notification)[0].last_error


@pytest.mark.parametrize("role", ["admin", "manager", "attorney", "viewer"])
def test_somebody_invited_gets_no_lead_and_signs_in_with_no_password_before_they_came(
    admin, browser, role, rows
):
    admin.post(USERS, json={**NEW, "role": role, "can_intake": True})
    for password in ("", " ", "nobody has this password", PASSWORD):
        attempt = browser().post("/internal/session", json={"email": NEW["email"], "password": password})
        assert attempt.status_code == 401
    browser().submit()
    assert [mail.kind for mail in rows(Notification)].count("attorney_alert") == 0


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, {"email", "name", "role"}),
        ({**NEW, "role": "king"}, {"role"}),
        ({**NEW, "password": GOOD}, {"password"}),
        ({**NEW, "email": "no address"}, {"email"}),
        ({**NEW, "name": " "}, {"name"}),
        ({**NEW, "name": "\u202eevil"}, {"name"}),
        ({**NEW, "email": "ada@firm.example.com"}, {"email"}),
        ({**NEW, "can_intake": "yes"}, {"can_intake"}),
    ],
)
def test_what_is_wrong_with_an_invitation_is_named(admin, body, wrong, rows):
    answer = admin.post(USERS, json=body)
    assert answer.status_code == 422
    assert set(answer.json["errors"]) == wrong
    assert rows(Notification) == []


class TestAnAddressWithOtherLetters:
    """An address that needs SMTPUTF8 is taken where the mail server offers that."""

    @pytest.fixture
    def port(self) -> int:
        return free_port()

    @pytest.fixture
    def settings(self, port) -> dict[str, object]:
        return {"MAIL_SERVER": HOST, "MAIL_PORT": port, "MAIL_TIMEOUT": 2}

    @pytest.mark.parametrize(("offered", "status"), [(True, 201), (False, 422)])
    def test_is_taken_where_it_can_be_mailed(self, admin, port, offered, status):
        with mail_server(Script(), port, enable_SMTPUTF8=offered):
            answer = admin.post(USERS, json={**NEW, "email": "田中@firm.example.com"})
        assert answer.status_code == status
        assert offered or "can never be mailed" in answer.json["errors"]["email"][0]

    def test_is_taken_while_nobody_knows(self, admin):
        assert admin.post(USERS, json={**NEW, "email": "田中@firm.example.com"}).status_code == 201

    def test_is_no_question_for_others(self, admin):
        assert admin.post(USERS, json=NEW).status_code == 201


def test_an_invitation_is_sent_again_and_the_first_link_is_worth_nothing(app, admin, browser, rows):
    user = admin.post(USERS, json=NEW).json
    assert admin.post(f"{USERS}/{user['id']}/invitation").status_code == 204
    first, second = (link_in(app, mail) for mail in rows(Notification))
    assert browser().get(first).status_code == 404
    assert browser().post(second, data={"password": GOOD, "again": GOOD}).status_code == 303
    assert admin.post(f"{USERS}/{user['id']}/invitation").status_code == 409


def test_everybody_is_listed_by_name_and_shown_by_id(admin, given):
    bruno = given(UserFactory, "inactive", name="Bruno")
    listed = admin.get(USERS).json["items"]
    assert [user["name"] for user in listed] == ["Ada Admin", "Bruno"]
    assert set(listed[0]) == {"id", "name", "email", "role", "active", "can_intake", "permissions"}
    assert admin.get(address(bruno)).json == listed[1]
    assert admin.get(f"{USERS}/0199a000-0000-7000-8000-000000000000").status_code == 404


def test_a_manager_may_look_and_change_nobody(client, given):
    bruno = given(UserFactory)
    client.sign_in(given(UserFactory, "manager"))
    assert client.get(USERS).status_code == client.get(address(bruno)).status_code == 200
    assert client.post(USERS, json=NEW).status_code == 403
    assert client.patch(address(bruno), json={"role": "admin"}).status_code == 403
    assert client.delete(address(bruno)).status_code == 403


def test_a_new_role_counts_from_the_next_request_on_under_a_new_token(admin, browser, given):
    bruno = given(UserFactory, "manager")
    desk, cookie = browser().sign_in(bruno), "leadintake"
    before = desk.get_cookie(cookie).value
    assert desk.get("/internal/notifications").status_code == 200
    assert admin.patch(address(bruno), json={"role": "viewer"}).json["role"] == "viewer"
    assert desk.get("/internal/notifications").status_code == 403
    after = desk.get_cookie(cookie).value
    assert after != before
    assert desk.get("/internal/session").json["user"]["role"] == "viewer"
    assert desk.get_cookie(cookie).value == after
    assert desk.delete("/internal/session").status_code == 204


def test_changes_take_effect_and_what_is_left_out_stays(admin, given, rows):
    bruno = given(UserFactory)
    answer = admin.patch(address(bruno), json={"name": " Bruno B ", "can_intake": False})
    assert (answer.json["name"], answer.json["can_intake"], answer.json["active"]) == ("Bruno B", False, True)
    assert admin.patch(address(bruno), json={}).json == answer.json
    assert admin.patch(address(bruno), json={"password": GOOD}).status_code == 422


@pytest.mark.parametrize("act", ["delete", "patch"])
def test_somebody_put_out_is_out_at_once_and_comes_back_when_let_in(admin, browser, given, rows, act):
    bruno = given(UserFactory)
    desk = browser().sign_in(bruno)
    if act == "delete":
        assert admin.delete(address(bruno)).status_code == 204
    else:
        assert admin.patch(address(bruno), json={"active": False}).json["active"] is False
    assert desk.get("/internal/session").status_code == 401
    assert [row.user_id for row in rows(SignedInSession)] != [bruno.id]
    browser().submit()
    assert "attorney_alert" not in [mail.kind for mail in rows(Notification)]
    assert admin.get(address(bruno)).json["active"] is False
    assert admin.patch(address(bruno), json={"active": True}).status_code == 200
    browser().sign_in(bruno)


@pytest.mark.parametrize("change", [{"role": "manager"}, {"active": False}])
def test_the_last_active_admin_is_neither_demoted_nor_put_out(admin, ada, given, change):
    given(UserFactory, "admin", "inactive")
    answer = admin.patch(address(ada), json=change)
    assert answer.status_code == 409
    assert "last active admin" in answer.json["detail"]
    assert admin.delete(address(ada)).status_code == 409
    given(UserFactory, "admin")
    assert admin.patch(address(ada), json=change).status_code == 200


def test_an_admin_who_has_not_come_yet_is_none_to_rely_on(admin, ada):
    admin.post(USERS, json={**NEW, "role": "admin"})
    assert admin.delete(address(ada)).status_code == 409
    assert admin.patch(address(ada), json={"role": "viewer"}).status_code == 409


def test_somebody_invited_is_told_of_no_prospect_and_given_none(admin, given, browser, rows):
    user = admin.post(USERS, json=NEW).json
    admin.post(USERS, json={**NEW, "email": "typo@firm.example.com", "role": "manager"})
    lead = browser().submit().json["id"]
    told = {mail.recipient for mail in rows(Notification) if mail.kind == "unassigned_alert"}
    assert told == {"ada@firm.example.com"}
    answer = admin.put(f"/internal/leads/{lead}/assignee", json={"user_id": user["id"]})
    assert (answer.status_code, set(answer.json["errors"])) == (422, {"user_id"})


@pytest.mark.every_engine
def test_two_who_invite_the_same_person_at_once_make_one(browser, ada, rows):
    clients = [browser().sign_in(ada) for _ in range(2)]
    answers = all_at_once(2, lambda one: clients[one].post(USERS, json=NEW).status_code)
    assert sorted(answers) == [201, 422]
    assert len(rows(Notification)) == 1


@pytest.mark.every_engine
def test_two_admins_who_put_each_other_out_leave_one(browser, ada, given, rows):
    eve = given(UserFactory, "admin")
    clients = [browser().sign_in(ada), browser().sign_in(eve)]
    others = [eve, ada]
    answers = all_at_once(2, lambda one: clients[one].delete(address(others[one])).status_code)
    assert sorted(answers) in ([204, 401], [204, 403], [204, 409], [204, 503])
    assert [user.active for user in rows(User)].count(True) == 1


def test_an_admin_helps_somebody_who_lost_their_phone(admin, given, rows):
    bruno = given(UserFactory, "with_app")
    assert admin.delete(f"{address(bruno)}/second-factor").status_code == 204
    user = next(user for user in rows(User) if user.id == bruno.id)
    assert (user.totp_secret, user.totp_since) == (None, None)
    assert rows(Notification)[0].kind == "account_notice"
