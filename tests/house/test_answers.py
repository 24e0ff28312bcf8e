"""Limits that hold for every answer of every route."""

from __future__ import annotations

import msgspec
import pytest

from leadintake.auth.sessions.devices import remember_device
from leadintake.auth.sso.schemas import SsoStart
from leadintake.auth.sso.service import PURPOSE, Journey
from leadintake.core.crypto import seal
from tests.factories import LeadFactory, UserFactory
from tests.house.test_headers import addresses
from tests.support.html import Page

MAX_OF_A_COOKIE = 4096
"""Bytes of name and value that browsers keep (RFC 6265, 6.1)."""


def test_no_route_gives_back_what_was_sent_to_it(app, client):
    for _, path in addresses(app):
        answer = client.open(path, method="TRACE", headers={"X-Secret": "do not echo"})
        assert answer.status_code in (404, 405), path
        assert b"do not echo" not in answer.data


def test_no_answer_lets_a_page_have_another_base_or_any_object(app, client, given):
    """Objects are covered by default-src, where no rule of their own widens it (CSP level 3, 6.1.9)."""
    lead = given(LeadFactory)
    client.sign_in(given(UserFactory, "admin"))
    paths = {path for _, path in addresses(app)} - {"/internal/session"}
    for path in [*sorted(paths), f"/internal/leads/{lead.id}/resume"]:
        policy = client.get(path).headers["Content-Security-Policy"]
        rules = {rule.strip() for rule in policy.split(";")}
        assert {"default-src 'none'", "base-uri 'none'"} <= rules, path
        assert not [rule for rule in rules if rule.startswith("object-src")], path


@pytest.mark.parametrize("path", ["/desk/sign-in", "/desk/account"])
def test_every_field_for_a_password_is_masked(client, browser, given, path):
    reader = browser().sign_in(given(UserFactory)) if path == "/desk/account" else client
    fields = Page(reader.get(path).text).inputs()
    asked = {name: field["type"] for name, field in fields.items() if "password" in name}
    assert asked
    assert set(asked.values()) == {"password"}


@pytest.mark.parametrize("letter", ["a", "\u00e9", "\U0001f600", '"'])
def test_no_cookie_is_larger_than_browsers_keep(app, letter):
    longest = msgspec.inspect.type_info(SsoStart).fields[0].type.max_length
    text = "x" * 43
    journey = Journey(text, text, text, "/" + letter * (longest - 1), 1_900_000_000.123)
    account = f"{letter * 64}@{letter * 189}"
    with app.test_request_context():
        sealed = seal(PURPOSE, msgspec.json.encode(journey).decode())
        answer = app.make_response("")
        remember_device(answer, account)
    pair = answer.headers["Set-Cookie"].partition(";")[0]
    assert len(f"__Host-leadintake-sso={sealed}") <= MAX_OF_A_COOKIE
    assert len(pair) <= MAX_OF_A_COOKIE
