"""The session cookie: its flags, and what comes back in its place."""

from __future__ import annotations

import pytest
from flask_login.utils import encode_cookie

from tests.factories import UserFactory

URL = "/internal/session"
NAME = "leadintake"


@pytest.fixture
def amara(given):
    return given(UserFactory)


GARBAGE = ["", "x", "A" * 43, "A" * 4000, "../../etc/passwd", "\u00e9\u4e2d", "%00", "a b;c=d", '"', "None"]


@pytest.mark.parametrize("value", GARBAGE)
def test_a_garbage_cookie_is_nobody_signed_in(browser, amara, value):
    client = browser()
    client.set_cookie(NAME, value)
    assert client.get(URL).status_code == 401
    assert client.sign_in(amara).get(URL).status_code == 200


@pytest.mark.parametrize(
    "raw", [b"leadintake=\xff\xfe", b"leadintake", b"=;;;=", b"leadintake=a; leadintake=b"]
)
def test_a_cookie_header_of_raw_bytes_is_nobody_signed_in(client, raw):
    answer = client.get(URL, environ_overrides={"HTTP_COOKIE": raw.decode("latin-1")})
    assert answer.status_code == 401


@pytest.mark.parametrize("forge", [str, lambda text: f"{text}|x", encode_cookie])
def test_a_remember_cookie_lets_nobody_in_even_if_the_secret_key_signed_it(app, client, amara, forge):
    with app.app_context():
        forged = forge(str(amara.id))
    client.set_cookie("remember_token", forged)
    assert client.get(URL).status_code == 401


def test_the_cookie_is_for_this_host_alone_and_no_script_reads_it(client, amara):
    client.sign_in(amara)
    found = client.get_cookie(NAME)
    assert (found.path, found.domain, found.http_only, found.same_site) == ("/", "localhost", True, "Lax")
    assert found.origin_only
    assert not found.secure
    assert found.max_age is None  # gone with the browser; the server ends it earlier


def test_the_cookie_is_set_at_signing_in_and_never_again(client, amara):
    client.sign_in(amara)
    assert "Set-Cookie" not in client.get(URL).headers
    assert client.get(URL).headers["Cache-Control"] == "no-store"


class TestInProduction:
    """Cookies over https alone."""

    @pytest.fixture
    def settings(self) -> dict[str, object]:
        return {
            "ENVIRONMENT": "production",
            "MAIL_FOLDER": "mail",
            "SECRET_KEY": "k" * 32,
            "PUBLIC_URL": "https://intake.firm.example",
        }

    def test_the_cookie_is_secure_and_bound_to_the_host(self, client, amara):
        client.sign_in(amara)
        found = client.get_cookie("__Host-leadintake")
        assert (found.secure, found.path, found.http_only, found.origin_only) == (True, "/", True, True)
        assert client.get_cookie(NAME) is None

    def test_the_cookie_is_taken_back_under_the_same_flags(self, client, amara):
        answer = client.sign_in(amara).delete(URL)
        (taken,) = answer.headers.getlist("Set-Cookie")
        assert taken.startswith("__Host-leadintake=;")
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax", "Max-Age=0"} <= set(taken.split("; "))
