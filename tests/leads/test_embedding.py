"""The public form on the firm's own site: other origins, no cookies, and the header policy."""

from __future__ import annotations

import pytest

from leadintake.leads.models import Lead
from tests.factories import UserFactory
from tests.support.client import filled
from tests.support.html import Page

FIRM, OTHER_SITE, STRANGER = "https://www.firm.example", "https://jobs.firm.example", "https://evil.example"


@pytest.fixture
def settings():
    return {"EMBED_ORIGINS": [FIRM, OTHER_SITE]}


def preflight(client, origin: str):
    """Ask what a browser asks before it posts with a header of its own."""
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "idempotency-key",
    }
    return client.options("/public/leads", headers=asked)


def post_from(client, origin: str, **changes: object):
    """Post as a page of `origin` does."""
    headers = {"Origin": origin, "Sec-Fetch-Site": "cross-site", "Accept": "application/json"}
    return client.post("/public/leads", data=filled(**changes), headers=headers)


@pytest.mark.parametrize("origin", [FIRM, OTHER_SITE])
def test_a_page_of_the_firm_may_post_and_read_the_answer(client, rows, origin):
    asked = preflight(client, origin)
    assert asked.status_code in {200, 204}
    assert asked.headers["Access-Control-Allow-Origin"] == origin
    assert "POST" in asked.headers["Access-Control-Allow-Methods"]
    assert "idempotency-key" in asked.headers["Access-Control-Allow-Headers"].lower()
    answer = post_from(client, origin)
    assert answer.status_code == 201
    assert answer.headers["Access-Control-Allow-Origin"] == origin
    assert "Idempotency-Replayed" in answer.headers["Access-Control-Expose-Headers"]
    assert len(rows(Lead)) == 1


def test_a_page_of_the_firm_may_read_what_was_wrong(client):
    answer = post_from(client, FIRM, email="no")
    assert answer.status_code == 422
    assert answer.headers["Access-Control-Allow-Origin"] == FIRM
    unreadable = client.post("/public/leads", json={}, headers={"Origin": FIRM})
    assert unreadable.status_code == 415
    assert unreadable.headers["Access-Control-Allow-Origin"] == FIRM


@pytest.mark.parametrize(
    "origin",
    [
        STRANGER,
        "null",
        "*",
        f"{FIRM}.evil.example",
        f"{FIRM}:8443",
        FIRM.replace("https", "http"),
        f"{FIRM}/",
    ],
)
def test_no_other_origin_is_let_in(client, origin):
    for answer in (preflight(client, origin), post_from(client, origin)):
        assert "access-control-" not in str(answer.headers).lower()


def test_no_origin_may_send_cookies_and_caches_keep_origins_apart(client):
    for answer in (preflight(client, FIRM), post_from(client, FIRM), post_from(client, STRANGER)):
        assert "Access-Control-Allow-Credentials" not in answer.headers
        assert "Origin" in answer.headers["Vary"]


def test_the_internal_routes_are_open_to_no_origin(client, given):
    client.sign_in(given(UserFactory))
    answer = client.get("/internal/leads", headers={"Origin": FIRM})
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_only_the_firm_may_frame_the_form(client):
    policy = client.get("/").headers["Content-Security-Policy"]
    assert f"frame-ancestors {FIRM} {OTHER_SITE}" in policy


def test_the_script_for_the_firms_page_is_small_and_may_be_loaded_from_there(client):
    answer = client.get("/embed.js", headers={"Accept-Encoding": "gzip", "Origin": FIRM})
    assert answer.content_encoding == "gzip"
    assert len(answer.data) <= 1024
    assert answer.content_type == "text/javascript; charset=utf-8"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert answer.headers["Cache-Control"] == "public, max-age=3600"


def test_the_page_in_a_frame_stays_one_and_tells_these_sites_alone(client):
    page = Page(client.get("/?embed=1&lang=es&practice_area=family").text)
    assert page.all("body")[0]["data-parents"] == f"{FIRM} {OTHER_SITE}"
    assert page.chosen("practice_area") == "family"
    (form,) = page.all("form")
    for address in (form["action"], form["data-thanks"]):
        assert address.endswith("?lang=es&embed=1")
    answer = client.post(form["action"], data=filled(), headers={"Accept": "text/html"})
    assert answer.status_code == 303
    assert answer.headers["Location"].endswith("?lang=es&embed=1")
    refused = client.post(form["action"], data=filled(email="no"), headers={"Accept": "text/html"})
    assert "bare" in Page(refused.text).all("body")[0]["class"].split()


def test_a_page_of_its_own_names_no_site_and_a_choice_we_do_not_have_is_none(client):
    page = Page(client.get("/?embed=yes&practice_area=astrology").text)
    assert "data-parents" not in page.all("body")[0].attributes
    assert page.chosen("practice_area") == ""


def test_no_public_answer_ever_sets_a_cookie(client, given, browser):
    signed_in = browser().sign_in(given(UserFactory))
    signed_in.csrf_token = None
    for visitor in (client, signed_in):
        answers = [
            visitor.get("/"),
            visitor.submit(),
            visitor.submit(accept="text/html", key="a"),
            visitor.submit(accept="text/html", key="a"),
            visitor.submit(email="no"),
            visitor.submit(email="no", accept="text/html"),
            visitor.get("/public/nothing"),
            visitor.put("/public/leads"),
            preflight(visitor, FIRM),
        ]
        assert [answer.status_code for answer in answers] == [200, 201, 303, 303, 422, 422, 404, 405, 200]
        assert not [answer for answer in answers if "Set-Cookie" in answer.headers]


def test_a_post_from_anywhere_needs_no_cookie_and_no_token(browser, rows):
    for site in ("cross-site", "same-site", "same-origin", "none"):
        headers = {"Origin": STRANGER, "Sec-Fetch-Site": site, "Cookie": "session=stolen; csrf=old"}
        assert browser().post("/public/leads", data=filled(), headers=headers).status_code == 201
    assert len(rows(Lead)) == 4


class TestWithoutEmbedOrigins:
    """By default nobody frames the form, and no page elsewhere may read an answer."""

    @pytest.fixture
    def settings(self):
        return {}

    def test_nobody_frames_it_and_nobody_reads_it(self, client):
        assert "frame-ancestors 'none'" in client.get("/").headers["Content-Security-Policy"]
        assert "Access-Control-Allow-Origin" not in preflight(client, FIRM).headers
        assert "Access-Control-Allow-Origin" not in post_from(client, "").headers


class TestWithALimit:
    """Whoever asks too often waits."""

    @pytest.fixture
    def settings(self):
        return {"RATE_LIMIT_SUBMISSIONS": "2 per minute", "EMBED_ORIGINS": [FIRM]}

    def test_the_third_submission_of_a_minute_is_429_and_says_when_to_come_back(self, client, rows):
        assert [client.submit().status_code for _ in range(2)] == [201, 201]
        refused = post_from(client, FIRM)
        assert refused.status_code == 429
        assert refused.content_type == "application/problem+json"
        assert int(refused.headers["Retry-After"]) > 0
        assert refused.headers["Access-Control-Allow-Origin"] == FIRM
        assert client.submit(accept="text/html").content_type.startswith("text/html")
        assert len(rows(Lead)) == 2
