"""POST /internal/session: who is let in, and what the others learn."""

from __future__ import annotations

import pytest

from leadintake.auth import passwords
from leadintake.auth.models import SignedInSession
from leadintake.auth.people.service import users
from leadintake.auth.service import auth
from leadintake.core.actor import SYSTEM
from leadintake.core.db.transaction import transaction
from tests.factories import UserFactory
from tests.support.client import PASSWORD
from tests.support.lanes import all_turns_taken
from tests.support.waiting import all_at_once

URL = "/internal/session"


class Counting:
    """A hasher that counts what it is asked to check."""

    def __init__(self, real) -> None:
        self.real, self.checks = real, 0

    def __getattr__(self, name):
        return getattr(self.real, name)

    def verify(self, *arguments):
        self.checks += 1
        return self.real.verify(*arguments)


@pytest.fixture
def counting(monkeypatch) -> Counting:
    hasher = Counting(passwords.hasher)
    monkeypatch.setattr(passwords, "hasher", hasher)
    return hasher


def sign_in(client, email: str, password: str = PASSWORD):
    return client.post(URL, json={"email": email, "password": password})


def test_the_right_password_is_answered_with_the_user_and_a_token(client, given, rows):
    amara = given(UserFactory, email="amara@firm.example.com", name="Amara")
    answer = sign_in(client, "amara@firm.example.com")
    assert answer.status_code == 200
    assert answer.json["user"] == {
        "id": str(amara.id),
        "name": "Amara",
        "email": "amara@firm.example.com",
        "role": "attorney",
        "active": True,
        "can_intake": True,
        "permissions": ["read_leads", "take_leads", "update_leads"],
    }
    again = client.get(URL)
    assert again.status_code == 200
    assert again.json["user"] == answer.json["user"]
    assert [row.user_id for row in rows(SignedInSession)] == [amara.id]


def test_wrong_password_unknown_and_inactive_are_answered_alike_and_cost_the_same(
    browser, given, counting, rows
):
    given(UserFactory, email="amara@firm.example.com")
    given(UserFactory, "inactive", email="gone@firm.example.com")
    attempts = [
        ("amara@firm.example.com", "not the password"),
        ("gone@firm.example.com", PASSWORD),
        ("gone@firm.example.com", "not the password"),
        ("nobody@firm.example.com", PASSWORD),
        ("", ""),
    ]
    seen = []
    for email, password in attempts:
        counting.checks = 0
        answer = sign_in(browser(), email, password)
        request_id = answer.json["request_id"]
        headers = {name: value for name, value in answer.headers if name != "X-Request-Id"}
        seen.append((answer.status_code, answer.text.replace(request_id, ""), headers, counting.checks))
    assert seen[0][0] == 401
    assert seen[0][3] == 1
    assert all(one == seen[0] for one in seen)
    assert "Set-Cookie" not in seen[0][2]
    assert rows(SignedInSession) == []


@pytest.mark.parametrize(
    "written", ["AMARA@firm.example.com", "  amara@firm.example.com\n", "Amara@Firm.Example.Com"]
)
def test_the_account_name_is_found_however_it_is_capitalised_or_spaced(client, given, written):
    given(UserFactory, email="amara@firm.example.com")
    assert sign_in(client, written).status_code == 200


@pytest.mark.every_engine
@pytest.mark.parametrize(
    "written",
    [
        "jos\u00e9@firm.example.com",
        "jo\u200dse@firm.example.com",
        "jose@firm.example.com\x00",
        "\x00",
        "\U0001f600@firm.example.com",
        "' OR 1=1 --",
        "%",
        "x" * 1024,
    ],
    ids=["accent", "joiner", "nul behind", "nul", "emoji", "sql", "wildcard", "long"],
)
def test_another_spelling_is_another_account_on_every_database(client, given, written):
    given(UserFactory, email="jose@firm.example.com")
    assert sign_in(client, written).status_code == 401


@pytest.mark.parametrize("password", ["", " ", "\x00", PASSWORD + " ", PASSWORD.upper(), "\u2028" * 1024])
def test_no_other_password_fits(client, given, password):
    given(UserFactory, email="amara@firm.example.com")
    assert sign_in(client, "amara@firm.example.com", password).status_code == 401


def test_a_hash_nobody_can_read_lets_nobody_in(client, given):
    given(UserFactory, email="amara@firm.example.com", password_hash="!")
    assert sign_in(client, "amara@firm.example.com").status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        {"data": {"email": "a@b.example", "password": "x"}},
        {"data": {"email": "a@b.example", "password": "x"}, "content_type": "multipart/form-data"},
        {"data": b'{"email": "a@b.example", "password": "x"}', "content_type": "text/plain"},
        {"data": b'{"email": "a@b.example", "password": "x"}'},
        {"data": b"", "content_type": "application/x-www-form-urlencoded"},
    ],
    ids=["urlencoded", "multipart", "text", "untyped", "empty"],
)
def test_a_form_cannot_sign_anybody_in(client, body):
    answer = client.post(URL, **body)
    assert answer.status_code == 415
    assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize(
    "body", [b"", b"{", b'{"email": "\xff"}', b'{"email": "\\ud800", "password": "x"}', b"[" * 60_000]
)
def test_what_is_no_json_is_malformed(client, body):
    assert client.post(URL, data=body, content_type="application/json").status_code == 400


def test_a_compressed_body_is_refused(client):
    answer = client.post(
        URL, data=b"{}", content_type="application/json", headers={"Content-Encoding": "gzip"}
    )
    assert answer.status_code == 415


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, {"email", "password"}),
        ({"email": 1, "password": None, "otp": 2, "more": 3}, {"email", "password", "otp", "more"}),
        ({"email": "x" * 1025, "password": "x" * 1025, "otp": "x" * 65}, {"email", "password", "otp"}),
        ({"email": ["a"], "password": "x", "remember": True}, {"email", "remember"}),
        ([], {"body"}),
    ],
)
def test_every_wrong_member_is_named(client, body, wrong):
    answer = client.post(URL, json=body)
    assert answer.status_code == 422
    assert set(answer.json["errors"]) == wrong


def test_an_unknown_query_parameter_is_refused(client):
    answer = client.post(f"{URL}?next=/", json={"email": "a@b.example", "password": "x"})
    assert answer.status_code == 422
    assert set(answer.json["errors"]) == {"next"}


@pytest.mark.every_engine
@pytest.mark.parametrize("change", ["set_password", "deactivate"])
def test_a_change_made_while_the_old_password_is_checked_wins(app, client, given, rows, monkeypatch, change):
    """Otherwise the session begun with it would outlive the change."""
    amara = given(UserFactory)
    checked = passwords.verify

    def slow(*arguments, **known):
        matches = checked(*arguments, **known)
        with app.app_context(), transaction():
            user = auth.find(amara.email)
            if change == "deactivate":
                users.deactivate(user, actor=SYSTEM)
            else:
                users.set_password(user, "quite different words", actor=SYSTEM)
        return matches

    monkeypatch.setattr(passwords, "verify", slow)
    assert sign_in(client, amara.email).status_code == 401
    assert rows(SignedInSession) == []


@pytest.mark.every_engine
def test_many_may_sign_in_at_the_same_moment(browser, given, rows):
    people = [given(UserFactory) for _ in range(4)]
    answers = all_at_once(8, lambda number: sign_in(browser(), people[number % 4].email).status_code)
    assert answers == [200] * 8
    assert len(rows(SignedInSession)) == 8


def test_a_full_gate_is_answered_with_try_again_and_checks_nothing(client, given, counting, monkeypatch):
    given(UserFactory, email="amara@firm.example.com")
    with all_turns_taken(monkeypatch, most_strangers=1):
        answer = sign_in(client, "amara@firm.example.com")
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert counting.checks == 0
    assert sign_in(client, "amara@firm.example.com").status_code == 200


def test_no_more_than_a_few_passwords_are_checked_at_once(browser, given, monkeypatch):
    person = given(UserFactory)
    at_work, most = [], []

    class Watching(Counting):
        def verify(self, *arguments):
            at_work.append(1)
            most.append(len(at_work))
            matches = super().verify(*arguments)
            at_work.pop()
            return matches

    monkeypatch.setattr(passwords, "hasher", Watching(passwords.hasher))
    assert all_at_once(12, lambda _: sign_in(browser(), person.email).status_code) == [200] * 12
    assert len(most) == 12
    assert max(most) <= passwords.AT_ONCE
