"""The guard of the internal parent: mark, session, permission, token, in this order."""

from __future__ import annotations

import pytest
from flask import Flask

from leadintake import create_app
from tests.factories import NotificationFactory, UserFactory
from tests.support.client import PASSWORD

SESSION = "/internal/session"


@pytest.fixture
def signed_in(client, given):
    return client.sign_in(given(UserFactory, "manager"))


@pytest.mark.parametrize("header", ["X-CSRFToken", "X-CSRF-Token", "x-csrftoken"])
def test_the_token_is_taken_under_either_spelling(signed_in, header):
    token, signed_in.csrf_token = signed_in.csrf_token, None
    assert signed_in.delete(SESSION, headers={header: token}).status_code == 204


NOBODY = "0199a000-0000-7000-8000-000000000000"


@pytest.mark.parametrize(
    ("method", "address"),
    [
        ("DELETE", SESSION),
        ("POST", f"/internal/notifications/{NOBODY}/retry"),
        ("PATCH", f"/internal/leads/{NOBODY}"),
        ("PUT", f"/internal/leads/{NOBODY}/assignee"),
    ],
)
def test_no_unsafe_request_passes_without_the_token_of_its_session(signed_in, method, address):
    signed_in.csrf_token = None
    for token in (None, "", "x", "a.b.c", "\u00e9", "x" * 5000):
        headers = {} if token is None else {"X-CSRFToken": token}
        answer = signed_in.open(address, method=method, headers=headers)
        assert answer.status_code == 403, token
        assert "csrf_token" in answer.json["detail"], token
        assert signed_in.get(SESSION).status_code == 200, token


def test_the_token_of_another_session_is_worth_nothing(signed_in, browser, given):
    other = browser().sign_in(given(UserFactory, "manager"))
    assert signed_in.delete(SESSION, headers={"X-CSRFToken": other.csrf_token}).status_code == 403


def test_a_token_in_the_body_or_the_address_counts_for_nothing(signed_in):
    token, signed_in.csrf_token = signed_in.csrf_token, None
    assert signed_in.delete(f"{SESSION}?csrf_token={token}").status_code == 403
    assert signed_in.delete(SESSION, json={"csrf_token": token}).status_code == 403


def test_reading_needs_no_token(signed_in):
    signed_in.csrf_token = None
    assert signed_in.get(SESSION).status_code == 200
    assert signed_in.head(SESSION).status_code == 200


FOREIGN = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": ""},
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": ""},
    {"Origin": "http://["},
    {"Origin": "http://[::1"},
    {"Origin": "http://localhost.evil.example"},
    {"Origin": "http://localhost:8443"},
    {"Origin": "https://localhost"},
    {"Origin": "\u00ff\u00fe"},
    {"Origin": "http://[", "Host": "["},
    {"Origin": "null", "Referer": "http://localhost/desk"},
    {"Origin": "https://evil.example", "Referer": "http://localhost/desk"},
    {"Sec-Fetch-Site": "cross-site", "Referer": "http://localhost/desk"},
    {"Referer": "https://evil.example/"},
    {"Referer": "https://evil.example/?http://localhost/"},
    {"Referer": "https://evil.example#@localhost/"},
    {"Referer": "http://localhost@evil.example/"},
    {"Referer": "http://evil.example@localhost/"},
    {"Referer": "http://localhost.evil.example/"},
    {"Referer": "http://localhost:8443/"},
    {"Referer": "https://localhost/"},
    {"Referer": "//localhost/"},
    {"Referer": "/desk"},
    {"Referer": "about:blank"},
    {"Referer": "data:text/html,x"},
    {"Referer": ""},
    {"Referer": "http://["},
]


def refuses(answer) -> bool:
    """Whether nothing was done, and nobody signed in."""
    return answer.status_code in (400, 403) and "Set-Cookie" not in answer.headers


def test_a_page_of_another_site_changes_nothing(signed_in):
    for headers in FOREIGN:
        assert signed_in.delete(SESSION, headers=headers).status_code in (400, 403), headers
        assert signed_in.get(SESSION).status_code == 200, headers


def test_a_page_of_another_site_signs_nobody_in(browser, given):
    told = {"email": given(UserFactory).email, "password": PASSWORD}
    answers = [(headers, browser().post(SESSION, json=told, headers=headers)) for headers in FOREIGN]
    assert [headers for headers, answer in answers if not refuses(answer)] == []


def test_nor_does_it_by_the_form_of_the_desk(browser, given):
    form = {"email": given(UserFactory).email, "password": PASSWORD}
    answers = [(headers, browser().post("/desk/sign-in", data=form, headers=headers)) for headers in FOREIGN]
    assert [headers for headers, answer in answers if not refuses(answer)] == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "http://127.0.0.1:8000"},
        {"Origin": "http://localhost"},
        {"Origin": "http://127.0.0.1:8000"},
        {"Origin": "http://localhost:80"},
        {"Referer": "http://localhost/desk/leads?x=https://evil.example"},
        {"Referer": "http://LOCALHOST:80/"},
        {"Referer": "http://127.0.0.1:8000/desk"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "null", "Referer": "https://evil.example/"},
        {},
    ],
    ids=str,
)
def test_our_own_pages_may(signed_in, headers):
    assert signed_in.delete(SESSION, headers=headers).status_code == 204


OTHER_SCHEMES = ("Basic cHJveHk6c2VjcmV0", "Digest username=x", "Negotiate abc==", "", " ", "x", "Bearerx y",
                 "Basic Bearer", "Token leadintake_x", "basic", "Basic x, Bearer y")  # fmt: skip


@pytest.mark.parametrize("header", OTHER_SCHEMES)
def test_another_schemes_authorization_switches_no_session_off(signed_in, header):
    shown = {"Authorization": header}
    assert signed_in.get(SESSION, headers=shown).status_code == 200
    assert signed_in.get("/desk", headers=shown).status_code == 200
    assert signed_in.delete(SESSION, headers={**shown, "X-CSRFToken": "forged"}).status_code == 403
    assert signed_in.delete(SESSION, headers={**shown, "Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert signed_in.delete(SESSION, headers=shown).status_code == 204


def test_nor_does_it_keep_anybody_from_signing_in(browser, given):
    told = {"email": given(UserFactory).email, "password": PASSWORD}
    for header in OTHER_SCHEMES:
        client, shown = browser(), {"Authorization": header}
        assert client.post("/desk/sign-in", data=told, headers=shown).status_code == 303, header
        assert client.get(SESSION, headers=shown).status_code == 200, header


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", "bearer x", "BEARER leadintake_x", " Bearer  x", "Bearer \t"]
)
def test_a_token_that_is_wrong_is_401_whatever_cookie_comes_along(signed_in, header):
    for address in (SESSION, "/internal/leads"):
        assert signed_in.get(address, headers={"Authorization": header}).status_code == 401
    assert signed_in.delete(SESSION, headers={"Authorization": header}).status_code == 401
    assert signed_in.get(SESSION).status_code == 200


def test_the_session_is_asked_for_before_permission_and_token(client, given, browser):
    unsafe = f"/internal/notifications/{given(NotificationFactory).id}/retry"
    foreign = {"Sec-Fetch-Site": "cross-site"}
    assert client.post(unsafe, headers=foreign).status_code == 401
    viewer = browser().sign_in(given(UserFactory, "viewer"))
    viewer.csrf_token = None
    by_role = viewer.post(unsafe, headers=foreign)
    assert by_role.status_code == 403
    assert "role" in by_role.json["detail"]
    manager = browser().sign_in(given(UserFactory, "manager"))
    manager.csrf_token = None
    assert "another site" in manager.post(unsafe, headers=foreign).json["detail"]
    assert "csrf_token" in manager.post(unsafe).json["detail"]


def test_the_token_is_asked_for_before_the_body_is_read(signed_in):
    signed_in.csrf_token = None
    address = "/internal/leads/0199a000-0000-7000-8000-000000000000"
    assert signed_in.patch(address, data=b"{", content_type="text/plain").status_code == 403


def test_a_stranger_does_not_learn_what_is_there(client, given):
    there = given(NotificationFactory).id
    answers = [
        client.post(f"/internal/notifications/{which}/retry")
        for which in (there, "0199a000-0000-7000-8000-000000000000")
    ]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert answers[0].json["detail"] == answers[1].json["detail"]


class TestAViewWithoutAMark:
    """Deny by default."""

    @pytest.fixture
    def app(self, app: Flask) -> Flask:
        app.add_url_rule(
            "/internal/unmarked", "internal.unmarked", lambda: "secrets", methods=["GET", "POST"]
        )
        return app

    @pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
    def test_it_answers_nobody(self, client, browser, given, method):
        admin = browser().sign_in(given(UserFactory, "admin"))
        for visitor in (client, admin):
            answer = visitor.open("/internal/unmarked", method=method)
            assert answer.status_code == 403
            assert b"secrets" not in answer.data


def test_tokens_signed_with_an_earlier_secret_key_are_believed_until_it_is_dropped(
    app, database_url, tmp_path, signed_in
):
    def rotated(**more):
        successor = create_app(
            INSTANCE_PATH=str(tmp_path / "successor"),
            DATABASE_URL=database_url,
            WORKER="external",
            SECRET_KEY="n" * 32,
            **more,
        )
        client = successor.test_client()
        client.set_cookie("leadintake", signed_in.get_cookie("leadintake").value)
        return client.delete(SESSION, headers={"X-CSRFToken": signed_in.csrf_token}).status_code

    assert rotated() == 403
    assert rotated(SECRET_KEY_FALLBACKS=["o" * 32]) == 403
    assert rotated(SECRET_KEY_FALLBACKS=["o" * 32, app.config["SECRET_KEY"]]) == 204
