"""Users get another e-mail address: both are told, sessions and links end, the person stays."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
import time_machine

from leadintake.audit.models import AuditEntry
from leadintake.auth.models import User
from leadintake.core.clock import now
from leadintake.core.db.database import db
from leadintake.notifications.models import Notification, Status
from tests.factories import NotificationFactory, UserFactory
from tests.support.client import PASSWORD
from tests.support.html import Page
from tests.support.links import link_in
from tests.support.outbox import delivered, round_of_a_worker
from tests.support.waiting import all_at_once

USERS = "/internal/users"
NEW = {"email": "Amara@Firm.example.com", "name": "Amara Okafor", "role": "attorney"}


@pytest.fixture
def admin(client, ada):
    return client.sign_in(ada)


def address(user) -> str:
    return f"{USERS}/{user.id}"


@pytest.fixture
def bruno(given):
    return given(UserFactory, "with_app", name="Bruno", email="bruno@firm.example.com")


def test_both_addresses_are_told_sessions_and_links_end_and_it_is_on_record(app, admin, browser, rows, given):
    bruno = given(UserFactory, name="Bruno", email="bruno@firm.example.com")
    token = ["tokens", "add", bruno.email, "--name", "Case system", "--scope", "read_leads"]
    bearer = app.test_cli_runner().invoke(args=token).stdout.strip()
    desk = browser().sign_in(bruno)
    browser().post("/internal/password/forgotten", json={"email": bruno.email})
    round_of_a_worker(app)
    (link,) = rows(Notification)
    answer = admin.patch(address(bruno), json={"email": " Bruno.New@Firm.example.com "})
    assert (answer.status_code, answer.json["email"]) == (200, "bruno.new@firm.example.com")
    assert desk.get("/internal/session").status_code == 401
    assert browser().get(link_in(app, link)).status_code == 404
    notices = [mail for mail in rows(Notification) if mail.kind == "account_notice"]
    assert {mail.recipient for mail in notices} == {bruno.email, "bruno.new@firm.example.com"}
    assert all(mail.recipient != bruno.email or mail.deleted_at for mail in rows(Notification)[:1])
    assert "user.email_changed" in [entry.action for entry in rows(AuditEntry)]
    old = {"email": bruno.email, "password": PASSWORD}
    assert browser().post("/internal/session", json=old).status_code == 401
    new = {**old, "email": "BRUNO.new@firm.example.com"}
    assert browser().post("/internal/session", json=new).status_code == 200
    headers = {"Authorization": f"Bearer {bearer}"}
    assert browser().get("/internal/leads", headers=headers).status_code == 200


def test_second_factors_stay(admin, bruno, browser):
    admin.patch(address(bruno), json={"email": "new@firm.example.com"})
    given = {"email": "new@firm.example.com", "password": PASSWORD}
    assert browser().post("/internal/session", json=given).json["type"] == "urn:leadintake:code-wanted"


def test_what_waits_for_the_old_address_goes_to_the_new_one(app, admin, client, given):
    chiara = given(UserFactory, email="chiara@firm.example.com")
    client.submit()
    admin.patch(address(chiara), json={"email": "new@firm.example.com"})
    alerts = [mail.recipient for mail in delivered(app) if mail.kind == "attorney_alert"]
    assert alerts == ["new@firm.example.com"]


def test_an_address_of_somebody_else_is_409_and_none_is_422(admin, bruno, rows):
    taken = admin.patch(address(bruno), json={"name": "B", "email": "ADA@firm.example.com"})
    assert taken.status_code == 409
    assert "Somebody else has the address ada@firm.example.com" in taken.json["detail"]
    wrong = admin.patch(address(bruno), json={"email": "none"})
    assert (wrong.status_code, set(wrong.json["errors"])) == (422, {"email"})
    assert admin.patch(address(bruno), json={"email": bruno.email.upper()}).status_code == 200
    assert rows(Notification) == []
    assert [user.name for user in rows(User)] == ["Ada Admin", "Bruno"]


@pytest.mark.every_engine
def test_two_at_once_get_one_address(browser, ada, given, rows):
    people = [given(UserFactory), given(UserFactory)]
    clients = [browser().sign_in(ada) for _ in people]
    body = {"email": "new@firm.example.com"}
    answers = all_at_once(2, lambda one: clients[one].patch(address(people[one]), json=body).status_code)
    assert sorted(answers) == [200, 409]


def test_who_has_not_come_in_is_invited_at_the_right_address(app, admin, rows, browser):
    user = admin.post(USERS, json=NEW).json
    (first,) = rows(Notification)
    assert admin.patch(f"{USERS}/{user['id']}", json={"email": "right@firm.example.com"}).status_code == 200
    assert browser().get(link_in(app, first)).status_code == 404
    invitation = next(mail for mail in rows(Notification) if mail.recipient == "right@firm.example.com")
    assert browser().get(link_in(app, invitation)).status_code == 200


def test_ones_own_needs_a_fresh_sign_in(browser, ada, rows):
    with time_machine.travel(now() - timedelta(minutes=11), tick=True):
        client = browser().sign_in(ada)
    answer = client.patch(address(ada), json={"email": "new@firm.example.com"})
    assert (answer.status_code, answer.json["type"]) == (403, "urn:leadintake:sign-in-again")
    client = browser().sign_in(ada)
    assert client.patch(address(ada), json={"email": "new@firm.example.com"}).status_code == 200
    assert client.get("/internal/session").status_code == 401


def test_the_commands(app, bruno, rows):
    run = app.test_cli_runner().invoke
    done = run(args=["users", "set-email", bruno.email, "new@firm.example.com"])
    assert "bruno@firm.example.com is now new@firm.example.com" in done.output
    done = run(args=["users", "rename", "new@firm.example.com", "Bruno Bianchi"])
    assert "new@firm.example.com is now called Bruno Bianchi." in done.output
    assert [(user.email, user.name) for user in rows(User)] == [("new@firm.example.com", "Bruno Bianchi")]
    refused = run(args=["users", "set-email", "nobody@firm.example.com", "x@firm.example.com"])
    assert refused.exit_code == 1


def test_at_the_desk_name_and_address_are_fields_and_what_is_wrong_is_said_there(browser, ada, amara, rows):
    client, path = browser().sign_in(ada), f"/desk/people/{amara.id}"
    sent = {"name": "Amara Okafor", "email": "ada@firm.example.com", "role": "viewer"}
    answer = client.post(path, data=sent)
    page = Page(answer.text)
    assert (answer.status_code, page.mistakes) == (409, [])
    assert "Somebody else has the address" in answer.text
    assert 'value="Amara Okafor"' in answer.text
    assert "<option selected>viewer</option>" in answer.text
    assert client.post(path, data={**sent, "email": "none"}).status_code == 422
    assert [user.name for user in rows(User)] == ["Ada Admin", "Amara Attorney"]
    done = client.post(path, data={**sent, "email": "amara.okafor@firm.example.com"}, follow_redirects=True)
    assert "Amara Okafor was changed." in done.text
    assert "amara.okafor@firm.example.com" in done.text


def test_at_the_desk_ones_own_address_leads_to_signing_in_with_it(browser, ada):
    answer = browser().sign_in(ada).post(f"/desk/people/{ada.id}", data={"email": "new@firm.example.com"})
    assert answer.location == "/desk/sign-in?email=new@firm.example.com"


def test_a_message_under_way_follows_too(app, admin, given):
    bruno = given(UserFactory, email="bruno@firm.example.com")
    given(NotificationFactory, status=Status.SENDING, recipient=bruno.email)
    admin.patch(address(bruno), json={"email": "new@firm.example.com"})
    with app.app_context():
        kept = db.session.scalars(sa.select(Notification).where(Notification.kind == "attorney_alert")).all()
        assert [message.recipient for message in kept] == ["new@firm.example.com"]


def test_a_page_that_is_older_than_a_change_changes_no_address_back(browser, ada, bruno, rows):
    client = browser().sign_in(ada)
    page = Page(client.get("/desk/people").text)
    (form,) = [one for one in page.all("form") if one["action"] == f"/desk/people/{bruno.id}"]
    client.patch(address(bruno), json={"email": "new@firm.example.com"})
    old = {"shown_name": "Bruno", "shown_email": "bruno@firm.example.com"}
    assert all(f'name="{name}" value="{value}"' in page.source for name, value in old.items())
    typed = {"name": "Bruno", "email": "bruno@firm.example.com", "role": "viewer"}
    assert client.post(form["action"], data={**old, **typed}).status_code == 303
    (changed,) = [one for one in rows(User) if one.id == bruno.id]
    assert (changed.email, changed.role) == ("new@firm.example.com", "viewer")
