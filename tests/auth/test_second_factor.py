"""The second factor: codes that are never taken twice, recovery codes, and roles that must have one."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest
import time_machine

from leadintake.audit.models import AuditEntry
from leadintake.auth.models import RecoveryCode, User
from leadintake.notifications.models import Notification
from tests.factories import UserFactory
from tests.support.client import PASSWORD, TOTP_SECRET
from tests.support.waiting import all_at_once

SESSION, APP = "/internal/session", "/internal/second-factor/app"
CODES = "/internal/second-factor/recovery-codes"
WANTED = "urn:leadintake:code-wanted"


@pytest.fixture(autouse=True)
def still():
    """Time stands still until a test moves it."""
    with time_machine.travel("2026-03-01T12:00:00Z", tick=False) as traveller:
        yield traveller


@pytest.fixture
def amara(given):
    return given(UserFactory, "with_app", email="amara@firm.example.com")


def code(secret: str = TOTP_SECRET) -> str:
    return pyotp.TOTP(secret).now()


def attempt(client, otp=None, password=PASSWORD, email="amara@firm.example.com"):
    more = {} if otp is None else {"otp": otp}
    return client.post(SESSION, json={"email": email, "password": password, **more})


def test_an_app_is_set_up_and_asked_for_from_then_on(client, browser, given, rows, still):
    bruno = given(UserFactory)
    client.sign_in(bruno)
    new = client.post(APP)
    assert new.status_code == 201
    uri = urlsplit(new.json["uri"])
    assert (uri.scheme, uri.netloc) == ("otpauth", "totp")
    assert parse_qs(uri.query)["secret"] == [new.json["secret"]]
    browser().sign_in(bruno)  # nothing is asked for before the app has shown that it has the secret
    confirmed = client.put(APP, json={"code": code(new.json["secret"])})
    assert confirmed.status_code == 200
    assert len(set(confirmed.json["recovery_codes"])) == 10
    view = {"app": True, "recovery_codes_left": 10, "required": False}
    assert client.get("/internal/second-factor").json == view
    assert attempt(browser(), email=bruno.email).json["type"] == WANTED
    still.shift(30)
    assert attempt(browser(), code(new.json["secret"]), email=bruno.email).status_code == 200
    assert rows(Notification)[0].kind == "account_notice"


def test_the_secret_is_kept_sealed(client, given, rows):
    client.sign_in(given(UserFactory))
    secret = client.post(APP).json["secret"]
    (user,) = rows(User)
    assert user.totp_secret
    assert secret not in user.totp_secret


def test_a_wrong_first_code_sets_up_nothing(client, given, rows):
    client.sign_in(given(UserFactory))
    client.post(APP)
    answer = client.put(APP, json={"code": "000000"})
    assert answer.status_code == 422
    assert set(answer.json["errors"]) == {"code"}
    assert rows(User)[0].totp_since is None
    assert rows(RecoveryCode) == []


@pytest.mark.parametrize("act", ["post", "put"])
def test_what_does_not_fit_the_state_is_a_conflict(client, amara, given, act):
    if act == "post":
        client.sign_in(amara, otp=code())
        assert client.post(APP).status_code == 409
    else:
        client.sign_in(given(UserFactory))
        assert client.put(APP, json={"code": "123456"}).status_code == 409
        assert client.post(CODES).status_code == 409


def test_the_right_password_alone_is_told_what_is_missing_and_lets_nobody_in(client, amara):
    answer = attempt(client)
    assert (answer.status_code, answer.json["type"]) == (401, WANTED)
    assert "Set-Cookie" not in answer.headers


def test_a_wrong_password_learns_nothing_of_a_second_factor(client, amara, given):
    bruno = given(UserFactory)
    answers = [
        attempt(client, otp, "wrong", email)
        for email in (amara.email, bruno.email, "nobody@firm.example.com")
        for otp in (None, "123456", code())
    ]
    for answer in answers:
        assert answer.status_code == 401
        assert answer.json["type"] == "about:blank"


@pytest.mark.parametrize(
    "otp", ["", "000000", "12345", "1234567", "\u0661\u0662\u0663\u0664\u0665\u0666", "\U0001f600"]
)
def test_no_other_code_fits(client, amara, otp):
    assert attempt(client, otp).status_code == 401


@pytest.mark.parametrize(("seconds", "status"), [(-60, 401), (-30, 200), (0, 200), (30, 200), (60, 401)])
def test_a_clock_may_be_half_a_minute_wrong(client, amara, still, seconds, status):
    shown = pyotp.TOTP(TOTP_SECRET).at(1772366400 + seconds)
    assert attempt(client, shown).status_code == status


def test_spaces_in_a_code_are_for_the_eye(client, amara):
    shown = code()
    assert attempt(client, f"{shown[:3]} {shown[3:]}").status_code == 200


def test_a_code_is_never_taken_twice_nor_an_earlier_one_after_it(browser, amara, still):
    earlier = pyotp.TOTP(TOTP_SECRET).at(1772366400 - 30)
    assert attempt(browser(), code()).status_code == 200
    assert attempt(browser(), code()).status_code == 401
    assert attempt(browser(), earlier).status_code == 401
    still.shift(30)
    assert attempt(browser(), code()).status_code == 200


@pytest.mark.every_engine
def test_of_many_with_the_same_code_one_comes_in(browser, amara):
    answers = all_at_once(6, lambda _: attempt(browser(), code()).status_code)
    assert sorted(answers) == [200] + [401] * 5


def test_a_recovery_code_lets_in_once_and_its_owner_is_told(client, browser, amara, rows):
    client.sign_in(amara, otp=code())
    codes = client.post(CODES).json["recovery_codes"]
    assert not {row.code_hash for row in rows(RecoveryCode)} & set(codes)
    assert attempt(browser(), codes[0].upper()).status_code == 200
    assert attempt(browser(), codes[0]).status_code == 401
    assert attempt(browser(), codes[1].replace("-", "")).status_code == 200
    assert client.get("/internal/second-factor").json["recovery_codes_left"] == 8
    assert "recovery code was used" in rows(Notification)[-1].text


def test_new_recovery_codes_replace_the_old(client, browser, amara):
    client.sign_in(amara, otp=code())
    (old, *_), (new, *_) = (client.post(CODES).json["recovery_codes"] for _ in range(2))
    assert attempt(browser(), old).status_code == 401
    assert attempt(browser(), new).status_code == 200


def test_the_recovery_code_of_somebody_else_is_no_code(client, browser, amara, given):
    client.sign_in(amara, otp=code())
    codes = client.post(CODES).json["recovery_codes"]
    bruno = given(UserFactory, "with_app")
    assert attempt(browser(), codes[0], email=bruno.email).status_code == 401


def test_an_app_removed_is_asked_for_no_more(client, browser, amara, rows):
    client.sign_in(amara, otp=code())
    assert client.delete(APP).status_code == 204
    assert attempt(browser()).status_code == 200
    assert rows(RecoveryCode) == []


@pytest.mark.parametrize(("method", "path"), [("POST", APP), ("PUT", APP), ("DELETE", APP), ("POST", CODES)])
def test_what_one_signs_in_with_is_changed_soon_after_signing_in_only(client, given, still, method, path):
    client.sign_in(given(UserFactory))
    still.shift(601)
    answer = client.open(path, method=method, json={"code": "123456"} if method == "PUT" else None)
    assert (answer.status_code, answer.json["type"]) == (403, "urn:leadintake:sign-in-again")


@pytest.mark.parametrize(("method", "path"), [("DELETE", APP), ("POST", CODES)])
def test_a_session_from_before_the_app_does_not_take_it_away(client, browser, given, method, path):
    bruno = given(UserFactory)
    thief = browser().sign_in(bruno)
    client.sign_in(bruno)
    client.put(APP, json={"code": code(client.post(APP).json["secret"])})
    answer = thief.open(path, method=method)
    assert (answer.status_code, answer.json["type"]) == (403, "urn:leadintake:second-factor-wanted")


def test_a_new_password_makes_an_old_session_no_younger(client, amara, still):
    client.sign_in(amara, otp=code())
    still.shift(20 * 60)
    body = {"current_password": PASSWORD, "new_password": "quite different words"}
    client.csrf_token = client.put("/internal/password", json=body).json["csrf_token"]
    assert client.delete(APP).status_code == 403


def test_an_admin_is_no_exception_to_themselves(client, given, still):
    ada = given(UserFactory, "admin", "with_app")
    client.sign_in(ada, otp=code())
    still.shift(20 * 60)
    assert client.delete(f"/internal/users/{ada.id}/second-factor").status_code == 403


def test_a_password_tried_without_its_code_is_on_record(client, amara, rows):
    attempt(client)
    (entry,) = rows(AuditEntry)
    assert (entry.action, entry.subject_id) == ("sign_in.code_wanted", amara.id)


def test_a_key_that_is_lost_is_a_code_that_does_not_fit_and_an_operator_helps(app, client, amara):
    app.config["SECRET_KEY"] = "another secret altogether, of forty letters"
    assert attempt(client, code()).status_code == 401
    result = app.test_cli_runner().invoke(args=["users", "reset-second-factor", amara.email])
    assert result.exit_code == 0, result.output
    assert attempt(client).status_code == 200


def test_a_key_that_was_rotated_still_opens_the_secret(app, client, amara):
    app.config["SECRET_KEY_FALLBACKS"] = [app.config["SECRET_KEY"]]
    app.config["SECRET_KEY"] = "another secret altogether, of forty letters"
    assert attempt(client, code()).status_code == 200


class TestRequired:
    """With a role that must have one."""

    @pytest.fixture
    def settings(self) -> dict[str, object]:
        return {"REQUIRE_MFA": ["manager"]}

    def test_who_has_none_may_set_one_up_and_nothing_else(self, client, given, still):
        max_ = given(UserFactory, "manager")
        client.sign_in(max_)
        for path in ("/internal/leads", "/internal/users", "/internal/sessions"):
            refused = client.get(path)
            assert (refused.status_code, refused.json["type"]) == (403, "urn:leadintake:second-factor-wanted")
        assert client.put("/internal/password", json={}).status_code == 403
        assert client.get(SESSION).status_code == 200
        assert client.get("/internal/second-factor").json["required"] is True
        secret = client.post(APP).json["secret"]
        assert client.put(APP, json={"code": code(secret)}).status_code == 200
        assert client.get("/internal/leads").status_code == 200

    def test_who_proved_one_may_all_their_role_may(self, client, given):
        client.sign_in(given(UserFactory, "manager", "with_app"), otp=code())
        assert client.get("/internal/leads").status_code == 200

    def test_other_roles_need_none(self, client, given):
        client.sign_in(given(UserFactory))
        assert client.get("/internal/leads").status_code == 200

    def test_a_role_that_needs_one_counts_from_the_next_request_on(self, app, client, given):
        bruno = given(UserFactory)
        client.sign_in(bruno)
        result = app.test_cli_runner().invoke(args=["users", "set-role", bruno.email, "manager"])
        assert result.exit_code == 0, result.output
        assert client.get("/internal/leads").status_code == 403

    def test_who_is_not_there_yet_may_sign_out(self, client, given):
        client.sign_in(given(UserFactory, "manager"))
        assert client.delete(SESSION).status_code == 204


class TestGuessing:
    """With limits on signing in."""

    @pytest.fixture
    def settings(self) -> dict[str, object]:
        return {"RATE_LIMIT_LOGINS": "3 per minute"}

    def test_wrong_codes_count_like_wrong_passwords_and_missing_ones_do_not(self, client, amara):
        assert [attempt(client).status_code for _ in range(5)] == [401] * 5
        assert [attempt(client, f"00000{n}").status_code for n in range(4)] == [401, 401, 401, 429]

    def test_first_codes_are_not_guessed(self, client, given):
        client.sign_in(given(UserFactory))
        client.post(APP)
        assert [client.put(APP, json={"code": f"00000{n}"}).status_code for n in range(4)] == [422] * 3 + [
            429
        ]
