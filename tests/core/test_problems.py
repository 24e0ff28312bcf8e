"""Every failure has one shape: problem+json for a program, the same words on a page for a person."""

from __future__ import annotations

import errno
import html
import json

import pytest
from hypothesis import HealthCheck
from hypothesis import given as given_that
from hypothesis import strategies as st
from sqlalchemy import exc
from werkzeug.exceptions import BadRequest, ImATeapot, ServiceUnavailable, TooManyRequests

from leadintake.core.errors import Conflict, Unavailable, UnprocessableContent
from tests.documents.inspection.examples import examples
from tests.factories import UserFactory
from tests.support.views import serve

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
SECRET = "postgresql://owner:hunter2@10.0.0.7/leads"
FAILURES = {
    "a bug": (RuntimeError(SECRET), 500),
    "a lookup": (KeyError(SECRET), 500),
    "a database that is away": (exc.OperationalError("SELECT 1", {}, Exception(SECRET)), 503),
    "a database that reads as damaged": (exc.DatabaseError("SELECT 1", {}, Exception(SECRET)), 503),
    "a statement that is wrong": (exc.ProgrammingError("SELECT 1", {}, Exception(SECRET)), 500),
    "a pool that is used up": (exc.TimeoutError(SECRET), 503),
    "a storage that is away": (Unavailable(), 503),
    "a disk that fails": (OSError(errno.EIO, "Input/output error", SECRET), 503),
    "a disk that is full": (OSError(errno.ENOSPC, "No space left on device", SECRET), 503),
    "a file that is not there": (FileNotFoundError(errno.ENOENT, "No such file", SECRET), 500),
    "a refusal by rule": (Conflict("It was reached out to already."), 409),
    "a refusal of fields": (UnprocessableContent({"name": ["Too long."]}), 422),
    "a refusal by the framework": (BadRequest(SECRET), 400),
    "too many": (TooManyRequests(), 429),
    "the framework being busy": (ServiceUnavailable(), 503),
    "a status without a sentence": (ImATeapot(), 418),
}


def is_problem(answer, status: int, instance: str) -> dict:
    """The members of a problem, which is of the right shape."""
    assert answer.status_code == status, answer.text
    assert answer.content_type == "application/problem+json"
    problem = json.loads(answer.data)
    members = {"type", "title", "status", "detail", "instance", "request_id"}
    assert set(problem) - {"errors"} == members
    assert (problem["status"], problem["instance"], problem["type"]) == (status, instance, "about:blank")
    assert problem["title"]
    assert problem["request_id"] == answer.headers["X-Request-Id"]
    assert ("errors" in problem) == (status == 422)
    return problem


@pytest.mark.parametrize(("failure", "status"), FAILURES.values(), ids=FAILURES)
def test_whatever_a_view_raises_has_the_one_shape_and_keeps_its_secrets(failure, status, app, client):
    def view():
        raise failure

    serve(app, view)
    answer = client.post("/test")
    problem = is_problem(answer, status, "/test")
    assert "hunter2" not in answer.text
    assert "Error" not in answer.text.replace(problem["title"], "")
    assert ("Retry-After" in answer.headers) == (status in {429, 503})
    if status == 409:
        assert problem["detail"] == "It was reached out to already."


@pytest.mark.parametrize(("failure", "status"), FAILURES.values(), ids=FAILURES)
def test_a_browser_gets_a_page_with_the_same_words(failure, status, app, client):
    def view():
        raise failure

    serve(app, view)
    said = client.post("/test").json
    answer = client.post("/test", headers={"Accept": BROWSER})
    assert answer.status_code == status
    assert answer.mimetype == "text/html"
    words = html.unescape(answer.text)
    assert said["title"] in words
    assert said["detail"] in words
    assert answer.headers["X-Request-Id"] in answer.text
    assert "hunter2" not in answer.text


@pytest.mark.parametrize(
    "path", ["/no-such-place", "/public/none", "/internal/none", "/static/none", "/thanks/x"]
)
def test_an_address_that_is_not_there_is_404(path, client):
    is_problem(client.get(path), 404, path)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/public/leads", {"POST", "OPTIONS"}),
        ("DELETE", "/healthz", {"GET", "HEAD", "OPTIONS"}),
        ("PUT", "/internal/session", {"GET", "HEAD", "POST", "DELETE", "OPTIONS"}),
        ("BREW", "/readyz", {"GET", "HEAD", "OPTIONS"}),
    ],
)
def test_a_method_that_is_not_taken_is_405_and_names_those_that_are(method, path, allowed, client):
    answer = client.open(path, method=method)
    is_problem(answer, 405, path)
    assert set(answer.headers["Allow"].split(", ")) == allowed


def test_an_address_with_doubled_slashes_is_no_address(client):
    answer = client.get("/internal//leads")
    is_problem(answer, 404, "/internal//leads")
    assert "Location" not in answer.headers


def test_the_wrong_kind_of_body_is_415(client):
    is_problem(client.post("/internal/session", data="email=x"), 415, "/internal/session")
    is_problem(
        client.post("/internal/session", data="{}", content_type="text/plain"), 415, "/internal/session"
    )


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"a": "\\ud800"}', b"[" * 60_000, b"NaN"])
def test_a_body_that_is_no_json_is_400(body, client):
    answer = client.post("/internal/session", data=body, content_type="application/json")
    is_problem(answer, 400, "/internal/session")


def test_json_that_does_not_fit_is_422_with_every_member_that_is_wrong(client):
    def errors(body):
        return set(
            is_problem(client.post("/internal/session", json=body), 422, "/internal/session")["errors"]
        )

    assert errors({}) == {"email", "password"}
    assert errors({"email": 1, "password": ["x"], "admin": True}) == {"email", "password", "admin"}
    assert errors([]) == errors("text") == errors(7) == {"body"}
    assert all(len(name) <= 100 for name in errors({"x" * 5000: 1}))


def test_a_body_that_is_too_large_is_413(client, app):
    body = b'{"email": "%s"}' % (b"x" * app.config["MAX_CONTENT_LENGTH"])
    answer = client.post("/internal/session", data=body, content_type="application/json")
    is_problem(answer, 413, "/internal/session")


def test_unknown_and_repeated_parameters_are_422_and_all_are_named(client, given):
    assert set(is_problem(client.get("/healthz?a=1&b=2"), 422, "/healthz")["errors"]) == {"a", "b"}
    client.sign_in(given(UserFactory, "manager"))
    wrong = client.get("/internal/leads?status=LOST&limit=0&limits=1&sort=password_hash")
    problem = is_problem(wrong, 422, "/internal/leads")
    assert set(problem["errors"]) == {"status", "limit", "limits", "sort"}
    assert problem["errors"]["status"] == ["Use one of: PENDING, REACHED_OUT."]
    twice = client.get("/internal/leads?limit=1&limit=2")
    assert set(is_problem(twice, 422, "/internal/leads")["errors"]) == {"limit"}


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (None, "application/problem+json"),
        ("*/*", "application/problem+json"),
        ("application/json", "application/problem+json"),
        ("application/problem+json", "application/problem+json"),
        ("text/html;q=0.5, application/json", "application/problem+json"),
        ("text/html;q=0, */*", "application/problem+json"),
        ("image/png", "application/problem+json"),
        ("text/html", "text/html"),
        ("text/html, application/json;q=0.9", "text/html"),
        (BROWSER, "text/html"),
    ],
)
def test_a_page_is_for_who_prefers_pages(accept, kind, client):
    answer = client.get("/none", headers={"Accept": accept} if accept else {})
    assert answer.mimetype == kind
    assert answer.status_code == 404


def test_a_query_of_raw_bytes_is_malformed(client):
    answer = client.get("/openapi.json", environ_overrides={"QUERY_STRING": "\x80"})
    assert answer.status_code == 400
    assert answer.content_type == "application/problem+json"


@examples(150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given_that(
    start=st.sampled_from(
        [b"/", b"/public/", b"/internal/leads/", b"/thanks/", b"/static/", b"/openapi.json"]
    ),
    path=st.binary(max_size=30),
    query=st.binary(max_size=30),
    accept=st.text(
        st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=40
    ),
    method=st.sampled_from(["GET", "POST", "OPTIONS", "PATCH"]),
)
def test_no_address_is_ever_a_failure(client, start, path, query, accept, method):
    raw = {"PATH_INFO": (start + path).decode("latin-1"), "QUERY_STRING": query.decode("latin-1")}
    answer = client.open("/", method=method, headers={"Accept": accept}, environ_overrides=raw)
    assert answer.status_code < 500
    assert answer.headers["X-Request-Id"]


def test_an_error_page_shows_what_was_asked_as_text(client):
    answer = client.get("/<script>alert(1)</script>", headers={"Accept": BROWSER})
    assert answer.status_code == 404
    assert "<script>" not in answer.text
