"""Whom the service believes about who asks, and the headers every answer carries."""

from __future__ import annotations

import pytest
from flask import request

from tests.support.views import serve

FORGED = {
    "X-Forwarded-For": "192.0.2.66, 198.51.100.7",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Prefix": "/evil",
    "X-Forwarded-Port": "666",
}


def seen(app, client, **headers: str) -> dict:
    """How a request with these headers looks to a view."""

    def view():
        return {"from": request.remote_addr, "url": request.url}

    serve(app, view)
    return client.post("/test", headers=headers).json


class TestNoProxy:
    def test_what_a_client_forwards_is_not_believed(self, app, client):
        assert seen(app, client, **FORGED) == {"from": "127.0.0.1", "url": "http://localhost/test"}

    def test_a_mail_is_never_written_with_a_forged_host(self, client):
        answer = client.submit(accept="text/html")
        assert answer.headers["Location"].startswith("/thanks/")


class TestOneProxy:
    @pytest.fixture
    def settings(self):
        return {"TRUSTED_PROXIES": 1}

    def test_the_last_hop_is_believed_and_none_before_it(self, app, client):
        found = seen(app, client, **FORGED)
        assert found == {"from": "198.51.100.7", "url": "https://evil.example/test"}

    def test_without_headers_the_connection_counts(self, app, client):
        assert seen(app, client) == {"from": "127.0.0.1", "url": "http://localhost/test"}


class TestTwoProxies:
    @pytest.fixture
    def settings(self):
        return {"TRUSTED_PROXIES": 2}

    def test_the_hop_before_the_last_is_believed(self, app, client):
        chain = {"X-Forwarded-For": "203.0.113.9, 192.0.2.66, 198.51.100.7"}
        assert seen(app, client, **chain)["from"] == "192.0.2.66"

    def test_a_chain_that_is_too_short_is_not_believed_at_all(self, app, client):
        assert seen(app, client, **{"X-Forwarded-For": "192.0.2.66"})["from"] == "127.0.0.1"


@pytest.mark.parametrize("path", ["/", "/healthz", "/none", "/internal/leads", "/openapi.json"])
def test_every_answer_forbids_what_a_page_of_ours_never_does(path, client):
    headers = client.get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "Strict-Transport-Security" not in headers
    assert "Set-Cookie" not in headers


@pytest.mark.parametrize("path", ["/internal/leads", "/internal/session", "/internal/none"])
def test_nothing_internal_is_kept_by_a_cache(path, client):
    assert client.get(path).headers["Cache-Control"] == "no-store"


class TestProduction:
    @pytest.fixture
    def settings(self):
        return {
            "ENVIRONMENT": "production",
            "MAIL_FOLDER": "mail",
            "SECRET_KEY": "k" * 40,
            "PUBLIC_URL": "https://intake.firm.example",
        }

    def test_browsers_are_told_to_stay_with_https(self, client):
        assert client.get("/").headers["Strict-Transport-Security"] == "max-age=31536000"
