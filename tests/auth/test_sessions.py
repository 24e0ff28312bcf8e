"""Sessions are rows: what ended on the server is over, whatever cookie comes back."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
import time_machine
from sqlalchemy.engine import Engine
from sqlalchemy.exc import OperationalError

from leadintake.auth.models import SignedInSession, User
from leadintake.auth.people.service import users
from leadintake.auth.permissions import Role
from leadintake.auth.service import auth
from leadintake.auth.sessions import interface as session_interface
from leadintake.core.actor import OPERATOR
from leadintake.core.db.database import db
from leadintake.core.db.transaction import transaction
from tests.factories import UserFactory

URL = "/internal/session"
NAME = "leadintake"


@pytest.fixture
def amara(given):
    return given(UserFactory)


def change(app, email: str, act) -> None:
    """Do something to a user in a transaction of its own."""
    with app.app_context(), transaction():
        act(auth.find(email))


def cookie(client) -> str:
    return client.get_cookie(NAME).value


def with_cookie(browser, value: str):
    client = browser()
    client.set_cookie(NAME, value)
    return client


def at(minutes: float):
    """Move to so many minutes after the beginning."""
    moment = datetime(2026, 3, 1, 12, tzinfo=UTC) + timedelta(minutes=minutes)
    return time_machine.travel(moment, tick=False)


def test_the_database_holds_only_the_hash_of_the_token(client, amara, rows):
    client.sign_in(amara)
    (row,) = rows(SignedInSession)
    assert row.token_hash == hashlib.sha256(cookie(client).encode()).hexdigest()
    assert cookie(client) not in row.data
    assert len(cookie(client)) >= 43  # 256 bits in base64


def test_signing_in_again_rotates_the_token_and_ends_the_old_one(client, browser, amara, rows):
    before = cookie(client.sign_in(amara))
    token = client.csrf_token
    after = cookie(client.sign_in(amara))
    assert before != after
    assert token != client.csrf_token
    assert with_cookie(browser, before).get(URL).status_code == 401
    assert client.get(URL).status_code == 200
    assert len(rows(SignedInSession)) == 1


def test_a_token_chosen_by_somebody_else_is_never_adopted(browser, amara):
    planted = "A" * 43
    victim = with_cookie(browser, planted).sign_in(amara)
    assert cookie(victim) != planted
    assert with_cookie(browser, planted).get(URL).status_code == 401


def test_signing_in_as_somebody_else_leaves_nothing_of_the_first(client, amara, given):
    manager = given(UserFactory, "manager")
    client.sign_in(amara)
    old_token = client.csrf_token
    client.sign_in(manager)
    assert client.get(URL).json["user"]["id"] == str(manager.id)
    assert client.delete(URL, headers={"X-CSRFToken": old_token}).status_code == 403


def test_a_failed_attempt_leaves_the_session_alone(client, amara):
    client.sign_in(amara)
    assert client.post(URL, json={"email": amara.email, "password": "wrong"}).status_code == 401
    assert client.get(URL).status_code == 200


def test_a_cookie_replayed_after_signing_out_lets_nobody_in(client, browser, amara, rows):
    elsewhere = browser().sign_in(amara)
    token = cookie(client.sign_in(amara))
    assert client.delete(URL).status_code == 204
    assert client.get_cookie(NAME) is None
    assert with_cookie(browser, token).get(URL).status_code == 401
    assert elsewhere.get(URL).status_code == 200
    assert len(rows(SignedInSession)) == 1


def test_nobody_signs_out_who_is_not_signed_in(client):
    assert client.delete(URL).status_code == 401


def test_a_session_unused_for_too_long_is_over(client, amara):
    with at(0):
        client.sign_in(amara)
    with at(29.9):
        assert client.get(URL).status_code == 200
    with at(59.8):
        assert client.get(URL).status_code == 200
    with at(90):
        assert client.get(URL).status_code == 401


def test_a_session_in_steady_use_is_over_after_its_longest_time(client, amara):
    with at(0):
        client.sign_in(amara)
    for minute in range(25, 12 * 60, 25):
        with at(minute):
            assert client.get(URL).status_code == 200, minute
    with at(12 * 60 + 0.1):
        assert client.get(URL).status_code == 401


@pytest.mark.every_engine
def test_signing_in_forgets_the_rows_of_sessions_that_are_over(browser, amara, rows):
    with at(0):
        browser().sign_in(amara)
    with at(20):
        kept = browser().sign_in(amara)
    with at(31):
        browser().sign_in(amara)
        assert len(rows(SignedInSession)) == 2
        assert kept.get(URL).status_code == 200


def test_use_is_noted_once_a_minute_not_at_every_request(client, amara, rows):
    with at(0):
        client.sign_in(amara)
    seen = []
    for minutes in (0.5, 1.5, 2):
        with at(minutes):
            client.get(URL)
            seen.append(rows(SignedInSession)[0].last_seen_at.minute)
    assert seen == [0, 1, 1]


@pytest.mark.every_engine
def test_a_session_ended_while_a_request_runs_is_not_resurrected(app, client, amara, rows, monkeypatch):
    with at(0):
        client.sign_in(amara)
    read = app.view_functions["internal.session.read"]

    def slow(**arguments):
        answer = read(**arguments)
        with app.app_context(), transaction():
            db.session.execute(sa.delete(SignedInSession))
        return answer

    slow.permission, slow.interface = read.permission, read.interface
    monkeypatch.setitem(app.view_functions, "internal.session.read", slow)
    with at(5):  # late enough that the request notes its use
        client.get(URL)
        assert rows(SignedInSession) == []
        assert client.get(URL).status_code == 401


def test_an_answer_stands_though_its_use_could_not_be_noted(client, amara, monkeypatch):
    with at(0):
        client.sign_in(amara)

    def broken():
        raise OperationalError("UPDATE", {}, Exception("disk full"))

    with at(5):
        monkeypatch.setattr(session_interface, "transaction", broken)
        assert client.get(URL).status_code == 200


@pytest.mark.parametrize(
    "act",
    [
        lambda user: users.set_password(user, "quite different words", actor=OPERATOR),
        lambda user: users.deactivate(user, actor=OPERATOR),
    ],
)
def test_a_new_password_and_deactivation_end_every_session(app, browser, amara, given, rows, act):
    bystander = browser().sign_in(given(UserFactory))
    two = [browser().sign_in(amara), browser().sign_in(amara)]
    change(app, amara.email, act)
    assert [client.get(URL).status_code for client in two] == [401, 401]
    assert bystander.get(URL).status_code == 200
    assert len(rows(SignedInSession)) == 1


def test_a_user_switched_off_behind_the_service_is_out_at_the_next_request(app, client, amara):
    client.sign_in(amara)
    change(app, amara.email, lambda user: setattr(user, "active", False))
    assert client.get(URL).status_code == 401


def test_a_new_role_takes_effect_at_the_next_request(app, client, given):
    person = given(UserFactory, "manager")
    client.sign_in(person)
    assert client.get("/internal/notifications").status_code == 200
    change(app, person.email, lambda user: setattr(user, "role", Role.VIEWER))
    assert client.get("/internal/notifications").status_code == 403
    assert client.get(URL).json["user"]["role"] == "viewer"


def test_a_database_that_is_away_is_said_so_and_signs_nobody_out(app, client, amara):
    client.sign_in(amara)
    app.config["TESTING"] = False  # what fails before the view is else raised into the test
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE sessions RENAME TO away"))
    answer = client.get(URL)
    assert answer.status_code == 503
    assert "Retry-After" in answer.headers
    assert "Set-Cookie" not in answer.headers
    assert client.get("/healthz").status_code == 200  # other pages do not look at the session
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE away RENAME TO sessions"))
    assert client.get(URL).status_code == 200


def test_a_sign_in_that_could_not_be_kept_hands_out_no_cookie(app, client, amara, rows):
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(
            sa.text("CREATE TRIGGER full BEFORE INSERT ON sessions BEGIN SELECT RAISE(ABORT, 'full'); END")
        )
    answer = client.post(URL, json={"email": amara.email, "password": "unrelated words for testing"})
    assert answer.status_code in (500, 503)
    assert "Set-Cookie" not in answer.headers
    assert rows(SignedInSession) == []


def test_deleting_a_user_for_good_deletes_their_sessions(app, client, amara, rows):
    client.sign_in(amara)
    with app.app_context(), transaction():
        db.session.execute(sa.delete(User.__table__).where(User.__table__.c.id == amara.id))
    assert rows(SignedInSession) == []
    assert client.get(URL).status_code == 401


@pytest.mark.parametrize("accept", ["application/json", "text/html"])
def test_a_database_that_is_away_is_503_with_every_header_for_who_has_a_cookie(
    browser, given, accept, monkeypatch
):
    client = browser().sign_in(given(UserFactory, "admin"))

    def refuse(*_arguments, **_options):
        raise OperationalError("SELECT", {}, Exception("connection refused"))

    monkeypatch.setattr(Engine, "connect", refuse)
    answer = client.get("/internal/leads", headers={"Accept": accept})
    assert answer.status_code == 503
    assert {"Retry-After", "X-Request-Id", "X-Content-Type-Options"} <= set(answer.headers.keys())
    assert "try again" in answer.text
