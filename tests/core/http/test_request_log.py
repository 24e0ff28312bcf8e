"""Every request writes one line, with nothing in it that somebody typed."""

from __future__ import annotations

import pytest
from flask import Response

from leadintake.core.http.request_log import AnswerBroken, LogRequests
from tests.factories import UserFactory
from tests.support.client import PASSWORD
from tests.support.logs import lines_of
from tests.support.views import serve


@pytest.fixture
def settings():
    return {"LOG_FORMAT": "json"}


@pytest.fixture
def line_of(client, capfd):
    """Ask for something, close the answer as a server does, and read the one line of it."""

    def ask(path, method="GET", **more):
        capfd.readouterr()
        with (more.pop("client", None) or client).open(path, method=method, **more) as answer:
            answer.get_data()
        (line,) = lines_of(capfd.readouterr().err, "request")
        assert line["request_id"] == answer.headers["X-Request-Id"]
        assert line["status"] == answer.status_code
        assert 0 <= line["ms"] < 60_000
        return line

    return ask


def test_nothing_answers_around_it(app):
    assert isinstance(app.wsgi_app, LogRequests)


def test_it_has_exactly_these_fields(line_of):
    line = line_of("/healthz")
    fields = {"event", "level", "timestamp", "method", "route", "status", "ms", "request_id", "user"}
    assert set(line) == fields
    assert (line["method"], line["route"], line["user"]) == ("GET", "/healthz", None)


def test_it_names_the_route_and_not_the_address(line_of):
    line = line_of("/unsubscribe/0190a0b0-0000-7000-8000-00000000feed?lang=canary")
    assert line["route"] == "/unsubscribe/<uuid:message_id>"
    assert "feed" not in str(line)
    assert "canary" not in str(line)


@pytest.mark.parametrize("path", ["/canary", "/a//canary", "/" + "canary" * 1000, "/internal/leads/canary"])
def test_what_leads_nowhere_has_no_route(path, line_of):
    line = line_of(path)
    assert (line["route"], line["status"]) == (None, 404)
    assert "canary" not in str(line)


def test_what_is_too_long_to_be_read_has_one_too(line_of):
    assert line_of("/?" + "canary" * 4000)["status"] == 422
    assert line_of("/", headers={"Origin": "canary" * 1000})["status"] == 400


def test_a_method_of_the_clients_own_is_not_repeated(line_of):
    assert line_of("/healthz", "CANARY")["method"] == "OTHER"


def test_it_names_the_user_and_not_their_address(browser, given, line_of):
    user, attorney = given(UserFactory), browser()
    signing_in = line_of(
        "/internal/session", "POST", client=attorney, json={"email": user.email, "password": PASSWORD}
    )
    assert signing_in["user"] == str(user.id)
    line = line_of("/internal/leads?q=canary", client=attorney)
    assert (line["user"], line["status"]) == (str(user.id), 200)
    assert user.email not in str(line)


def test_what_fails_outside_of_flask_is_answered_and_has_a_line(app, line_of, capfd, monkeypatch):
    def broken(_self, environ):
        raise ValueError("canary")

    monkeypatch.setattr(type(app), "request_context", broken)
    line = line_of("/")
    assert (line["route"], line["status"]) == (None, 500)


def test_an_answer_that_breaks_off_is_logged_without_what_broke_it(app, client, capfd):
    def pieces():
        yield b"so far"
        raise ValueError("canary")

    serve(app, lambda: Response(pieces()))
    with client.post("/test", buffered=False) as answer, pytest.raises(AnswerBroken, match=r"^$") as broken:
        answer.get_data()
    assert broken.value.__suppress_context__
    written = capfd.readouterr().err
    assert [line["event"] for line in lines_of(written)] == ["answer_broken", "request"]
    assert "raise ValueError" in written
    assert "ValueError: canary" not in written


def test_closing_twice_writes_no_second_line(client, capfd):
    answer = client.get("/healthz", buffered=False)
    answer.close()
    answer.close()
    assert len(lines_of(capfd.readouterr().err, "request")) == 1
