"""What is longer than anything here may be: never read, and never repeated."""

from __future__ import annotations

import pytest
from werkzeug import http

from leadintake.core.http import lengths
from tests.support.views import serve

BOUNDS = [pair for pair in (lengths.OPTIONAL_HEADERS | lengths.DECISIVE_HEADERS).items() if pair[0] != "HOST"]
"""A host of 300 letters is none: the address map refuses it by itself."""


@pytest.mark.parametrize("name", lengths.OPTIONAL_HEADERS)
def test_a_wish_that_is_too_long_is_as_if_nobody_had_it(client, name):
    header = name.replace("_", "-")
    plain = client.get("/healthz")
    answer = client.get("/healthz", headers={header: "x" * (lengths.OPTIONAL_HEADERS[name] + 1)})
    assert (answer.status_code, answer.data) == (plain.status_code, plain.data)


@pytest.mark.parametrize("name", sorted(lengths.DECISIVE_HEADERS.keys() - {"CONTENT_TYPE"}))
def test_a_claim_that_is_too_long_is_refused_with_its_name_and_without_its_words(app, name):
    header = name.replace("_", "-").title()
    answer = app.test_client(use_cookies=False).get(
        "/healthz", headers={header: "x" * (lengths.DECISIVE_HEADERS[name] + 1)}
    )
    assert answer.status_code == 400
    assert answer.json["detail"] == f"The header {header} is longer than any that is read here."
    assert "xxx" not in answer.text


@pytest.mark.parametrize(("name", "bound"), BOUNDS)
def test_a_header_that_just_fits_is_read(app, name, bound):
    seen = []

    def look() -> str:
        from flask import request

        seen.append(len(request.environ.get(name if name == "CONTENT_TYPE" else f"HTTP_{name}", "")))
        return ""

    serve(app, look)
    environ = {name if name == "CONTENT_TYPE" else f"HTTP_{name}": "9" * bound}
    app.test_client(use_cookies=False).post("/test", environ_overrides=environ)
    assert seen == [bound]


def test_no_parser_sees_what_is_too_long(client, monkeypatch):
    def parse(value: str | None, *more: object) -> object:
        assert value is None or len(value) <= 16_000
        return original(value, *more)

    original = http.parse_etags
    monkeypatch.setattr("werkzeug.sansio.request.parse_etags", parse)
    monkeypatch.setattr("werkzeug.wrappers.response.parse_etags", parse, raising=False)
    for header in ("If-None-Match", "If-Match"):
        assert client.get("/static/desk.css", headers={header: 'W/"x",' * 20_000}).status_code in {
            200,
            400,
            404,
        }


def test_a_path_as_long_as_no_address_leads_nowhere_and_is_repeated_in_part(client):
    answer = client.get(f"/{'x' * 50_000}")
    assert answer.status_code == 404
    assert len(answer.data) < 1000


@pytest.mark.parametrize("path", ["/", "/healthz", "/internal/leads", "/desk"])
def test_a_query_as_long_as_no_address_is_422(client, path):
    answer = client.get(f"{path}?{'a=b&' * 10_000}")
    assert answer.status_code == 422
    assert list(answer.json["errors"]) == ["query"]


def test_an_answer_names_fifty_fields_at_most_each_cut(client):
    query = "&".join(f"{'x' * 120}{number}=1" for number in range(120))
    answer = client.get(f"/healthz?{query}")
    assert answer.status_code == 422
    assert len(answer.json["errors"]) <= 50
    assert max(map(len, answer.json["errors"])) == 100


@pytest.mark.parametrize("settings", [{"TRUSTED_PROXIES": 2}])
def test_what_is_too_long_is_gone_before_a_proxys_headers_are_parsed(app, client, monkeypatch):
    parsed = []
    monkeypatch.setattr(
        "werkzeug.middleware.proxy_fix.parse_list_header", lambda text: parsed.append(text) or [text]
    )
    answer = client.get("/", headers={"X-Forwarded-For": "1," * 30_000, "X-Forwarded-Host": "a.example"})
    assert answer.status_code == 400
    assert parsed == ["a.example"]
