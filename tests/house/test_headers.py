"""Headers on every answer of every route, and nothing secret in an address or a log."""

from __future__ import annotations

import re
import uuid

import pytest

from tests.factories import LeadFactory, UserFactory
from tests.support.client import PASSWORD

EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def addresses(app):
    """Every rule with ids in it filled in, and each of its methods."""
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<(?:uuid|lead):\w+>", str(uuid.uuid4()), rule.rule)
        path = re.sub(r"<(?:path:)?\w+>", "something", path)
        for method in rule.methods - {"OPTIONS"}:
            yield method, path


FOR_OTHER_SITES = {"Cross-Origin-Resource-Policy": "cross-origin"}
OF_OTHER_SITES = {("GET", "/embed.js"), ("HEAD", "/embed.js")}
"""The script that the firm's own pages load: it is the same for everybody."""


@pytest.mark.parametrize("who", ["nobody", "admin"])
def test_every_answer_carries_its_protection(app, browser, given, who):
    admin = given(UserFactory, "admin")
    given(LeadFactory)
    for method, path in addresses(app):
        client = browser()
        if who == "admin":
            client.sign_in(admin)
        headers = client.open(path, method=method).headers
        wanted = EVERYWHERE | (FOR_OTHER_SITES if (method, path) in OF_OTHER_SITES else {})
        for name, value in wanted.items():
            assert headers[name] == value, (method, path)
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy, (method, path)
        assert "unsafe" not in policy, (method, path)
        assert "Permissions-Policy" in headers, (method, path)
        assert "Strict-Transport-Security" not in headers
        if path.startswith(("/internal", "/account")):
            assert headers["Cache-Control"] == "no-store", (method, path)
            assert "frame-ancestors 'none'" in policy or path.endswith("/resume"), (method, path)
        assert "Access-Control-Allow-Origin" not in headers, (method, path)


class TestEmbedding:
    """With an origin that may embed the form."""

    @pytest.fixture
    def settings(self) -> dict[str, object]:
        return {"EMBED_ORIGINS": ["https://www.firm.example"]}

    def test_other_origins_reach_the_public_form_and_nothing_else(self, app, client):
        for method, path in addresses(app):
            answer = client.open(path, method=method, headers={"Origin": "https://www.firm.example"})
            allowed = answer.headers.get("Access-Control-Allow-Origin")
            assert (allowed == "https://www.firm.example") is path.startswith("/public"), (method, path)
            assert "Access-Control-Allow-Credentials" not in answer.headers


class TestInProduction:
    """Over https alone."""

    @pytest.fixture
    def settings(self) -> dict[str, object]:
        return {
            "ENVIRONMENT": "production",
            "MAIL_FOLDER": "mail",
            "SECRET_KEY": "k" * 32,
            "PUBLIC_URL": "https://intake.firm.example",
        }

    def test_browsers_are_told_to_come_by_https_for_a_year(self, app, client):
        for method, path in addresses(app):
            assert client.open(path, method=method).headers["Strict-Transport-Security"] == "max-age=31536000"

    def test_every_cookie_is_secure_bound_to_the_host_and_out_of_reach_of_scripts(self, client, given):
        person = given(UserFactory)
        answer = client.post("/internal/session", json={"email": person.email, "password": PASSWORD})
        cookies = answer.headers.getlist("Set-Cookie")
        assert len(cookies) == 2
        for cookie in cookies:
            assert cookie.startswith("__Host-leadintake")
            assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
            assert "Domain" not in cookie


def test_no_password_code_or_token_is_logged(client, given, capfd):
    person = given(UserFactory, "with_app")
    for password in (PASSWORD, "a wrong password"):
        client.post("/internal/session", json={"email": person.email, "password": password, "otp": "424242"})
    client.get("/internal/leads", headers={"Authorization": "Bearer leadintake_secret"})
    client.get("/account/a-token-of-a-link")
    said = capfd.readouterr().err
    assert "refused" in said
    for secret in (PASSWORD, "a wrong password", "424242", "leadintake_secret", "a-token-of-a-link"):
        assert secret not in said
