"""Coming in by the page, going out, and a forgotten password."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyotp
import pytest
import time_machine

from leadintake.auth.models import PasswordRequest, SignedInSession
from tests.factories import UserFactory
from tests.support.client import PASSWORD, TOTP_SECRET
from tests.support.html import Page


def enter(client, **typed: str):
    """Fill in the page."""
    return client.post(
        "/desk/sign-in", data={"email": "amara@firm.example.com", "password": PASSWORD, **typed}
    )


def test_before_there_is_anybody_the_page_says_how_to_make_the_first(client, given):
    assert "flask users add" in client.get("/desk/sign-in").text
    given(UserFactory)
    assert "flask users add" not in client.get("/desk/sign-in").text


def test_one_comes_in_and_is_shown_what_one_came_for(client, amara):
    wanted = client.get("/desk/absences").location
    hidden = Page(client.get(wanted).text).inputs()["next"]["value"]
    answer = enter(client, next=hidden)
    assert (answer.status_code, answer.location) == (303, "/desk/absences")
    assert client.get("/desk/absences").status_code == 200


@pytest.mark.parametrize(
    "address",
    ["https://evil.example", "//evil.example", "/desk//evil.example", "/internal/session", "/desk\\evil", ""],
)
def test_it_leads_nowhere_else(client, amara, address):
    assert enter(client, next=address).location == "/desk"


@pytest.mark.parametrize("typed", [{"password": "wrong"}, {"email": "nobody@firm.example.com"}])
def test_every_way_to_fail_looks_alike(client, amara, typed):
    answer = enter(client, **typed)
    page = Page(answer.text)
    assert answer.status_code == 401
    assert page.mistakes == []
    assert "do not belong together" in page.by_id("problem").text
    assert page.inputs()["password"]["value"] == ""
    assert client.get("/desk").status_code == 303


def test_empty_fields_are_said(client, amara):
    answer = enter(client, password="")
    assert answer.status_code == 422
    assert "Please fill in" in answer.text
    assert Page(answer.text).inputs()["email"]["value"] == "amara@firm.example.com"


def test_another_site_signs_nobody_in(client, amara):
    data = {"email": "amara@firm.example.com", "password": PASSWORD}
    answer = client.post("/desk/sign-in", data=data, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403


class TestWithAnApp:
    """Two steps."""

    @pytest.fixture
    def amara(self, given):
        return given(UserFactory, "with_app", email="amara@firm.example.com")

    def test_the_code_is_asked_for_and_the_password_not_again(self, client, amara):
        first = enter(client)
        fields = Page(first.text).inputs()
        assert first.status_code == 401
        assert {"otp", "step"} <= set(fields)
        assert PASSWORD not in first.text
        wrong = client.post("/desk/sign-in", data={"step": fields["step"]["value"], "otp": "000000"})
        assert wrong.status_code == 401
        assert "otp" in Page(wrong.text).inputs()
        code = pyotp.TOTP(TOTP_SECRET).now()
        right = client.post("/desk/sign-in", data={"step": fields["step"]["value"], "otp": code})
        assert (right.status_code, right.location) == (303, "/desk")

    @pytest.mark.parametrize("step", ["", "x", "gAAAAA", "é"])
    def test_a_step_of_ones_own_making_begins_again(self, client, amara, step):
        answer = client.post("/desk/sign-in", data={"step": step, "otp": "000000"})
        assert answer.status_code == 422
        assert "password" in Page(answer.text).inputs()

    def test_a_step_is_good_for_five_minutes(self, client, amara):
        step = Page(enter(client).text).inputs()["step"]["value"]
        with time_machine.travel(datetime.now(UTC) + timedelta(minutes=6)):
            code = pyotp.TOTP(TOTP_SECRET).now()
            assert client.post("/desk/sign-in", data={"step": step, "otp": code}).status_code == 422


class TestWithALimit:
    """Who fails too often waits."""

    @pytest.fixture
    def settings(self):
        return {"RATE_LIMIT_LOGINS": "2 per minute"}

    def test_it_is_said_on_the_page(self, client, amara):
        for _ in range(2):
            assert enter(client, password="wrong").status_code == 401
        answer = enter(client)
        assert answer.status_code == 429
        assert answer.headers["Retry-After"]
        assert "wait a little" in answer.text


def test_going_out_ends_the_session_and_leads_to_the_door(browser, amara, rows):
    client = browser().sign_in(amara)
    answer = client.post("/desk/sign-out")
    assert (answer.status_code, answer.location) == (303, "/desk/sign-in")
    assert rows(SignedInSession) == []


def test_a_forgotten_password_is_noted_whoever_has_the_address(client, amara, rows):
    known = client.post("/desk/forgotten", data={"email": "amara@firm.example.com"})
    unknown = client.post("/desk/forgotten", data={"email": "nobody@firm.example.com"})
    assert known.status_code == unknown.status_code == 200
    assert known.text == unknown.text
    assert len(rows(PasswordRequest)) == 2
    assert client.post("/desk/forgotten", data={"email": " "}).status_code == 422
