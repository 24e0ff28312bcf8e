"""The id of a request ties every answer to its lines in the log."""

from __future__ import annotations

import errno
import io
import json
import re
import sys

import pytest
import structlog

from tests.support.views import serve

MADE = re.compile(r"[0-9a-f]{16}")


@pytest.mark.parametrize("path", ["/healthz", "/", "/none", "/internal/leads", "/static/none"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "TRACE"])
def test_every_answer_carries_one(method, path, client):
    assert MADE.fullmatch(client.open(path, method=method).headers["X-Request-Id"])


def test_every_request_has_its_own(client):
    assert len({client.get("/healthz").headers["X-Request-Id"] for _ in range(20)}) == 20


@pytest.mark.parametrize("given_id", ["abcdefgh", "A-b_c.1234", "0" * 64])
def test_a_plain_one_of_the_client_is_kept(given_id, client):
    for path in ("/healthz", "/none"):
        assert client.get(path, headers={"X-Request-Id": given_id}).headers["X-Request-Id"] == given_id


@pytest.mark.parametrize(
    "bad", ["", "short", "x" * 65, "with space", "semi;colon", "<script>1", "ümlaut-id", "a,b,c,d,e"]
)
def test_any_other_is_replaced(bad, client):
    assert MADE.fullmatch(client.get("/healthz", headers={"X-Request-Id": bad}).headers["X-Request-Id"])


class TestTheLog:
    @pytest.fixture
    def settings(self):
        return {"LOG_FORMAT": "json"}

    def test_the_line_of_a_failure_carries_it_and_its_cause(self, app, client, capfd):
        def view():
            raise RuntimeError("the cause nobody outside is told")

        serve(app, view)
        answer = client.post("/test")
        lines = [json.loads(line) for line in capfd.readouterr().err.splitlines() if line.startswith("{")]
        (line,) = [line for line in lines if line["event"] == "unexpected_failure"]
        assert line["request_id"] == answer.json["request_id"]
        assert "the cause nobody outside is told" in line["exception"]

    def test_the_next_request_does_not_inherit_it(self, app, client, capfd):
        def view():
            raise RuntimeError

        serve(app, view)
        ids = [client.post("/test").json["request_id"] for _ in range(2)]
        lines = [json.loads(line) for line in capfd.readouterr().err.splitlines() if line.startswith("{")]
        assert [line["request_id"] for line in lines if line["event"] == "unexpected_failure"] == ids


def test_what_looks_like_an_address_is_masked_wherever_it_comes_from(app, capfd):
    structlog.get_logger().warning("mail_channel_down", error="553 <Jane.Doe+x@firm.example>: sender unknown")
    written = capfd.readouterr().err
    assert "553 <…@…>: sender unknown" in written
    assert "Jane" not in written


def test_a_line_that_cannot_be_logged_costs_no_answer(client, monkeypatch):
    class Full(io.StringIO):
        def write(self, text):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(sys, "__stderr__", Full())
    answer = client.submit()  # nobody takes leads, which is logged
    assert answer.status_code == 201
