"""What a refused request still sends is read to its end, and cheaply."""

from __future__ import annotations

import io

import pytest
import requests
from werkzeug.test import create_environ, run_wsgi_app

from leadintake.core import hub
from leadintake.core.http import body_drain
from leadintake.core.http.body_drain import DrainBodies
from tests.support.engines import migrated_database
from tests.support.server import serving

MAX_ROWS = 3 * body_drain.PIECE_BYTES


class Body(io.BytesIO):
    """A body as gunicorn hands it on."""

    failed = False


class Broken(Body):
    def read(self, size=-1):
        self.failed = True
        raise ConnectionResetError


class Silent(Body):
    """A client that sends no more."""

    def read(self, size=-1):
        import gevent

        gevent.sleep(20)
        return b""


def refuse(body: io.BytesIO) -> str:
    """Answer a request without reading its body, as gunicorn would have it answered."""

    def application(_environ, start_response):
        start_response("413 Request Entity Too Large", [("Content-Type", "text/plain")])
        return [b"too large"]

    environ = create_environ("/", method="POST")
    environ["wsgi.input"] = body
    answer, status, _ = run_wsgi_app(DrainBodies(application, MAX_ROWS), environ, buffered=True)
    assert b"".join(answer) == b"too large"
    return status


@pytest.fixture
def greenlets(monkeypatch):
    monkeypatch.setattr(hub, "has_greenlets", lambda: True)


@pytest.mark.usefixtures("greenlets")
@pytest.mark.parametrize("length", [0, 1, body_drain.PIECE_BYTES + 1, MAX_ROWS - 1])
def test_a_body_is_read_to_its_end_after_the_answer(length):
    body = Body(b"x" * length)
    assert refuse(body).startswith("413")
    assert body.read() == b""
    assert not body.failed


@pytest.mark.usefixtures("greenlets")
def test_a_body_that_is_longer_than_any_may_be_ends_the_connection():
    body = Body(b"x" * (MAX_ROWS + 1))
    refuse(body)
    assert body.tell() == MAX_ROWS
    assert body.failed


@pytest.mark.usefixtures("greenlets")
@pytest.mark.parametrize("body", [Broken, Silent])
def test_a_body_that_does_not_come_ends_the_connection(body, monkeypatch):
    monkeypatch.setattr(body_drain, "DRAIN_SECONDS", 0.05)
    broken = body(b"x")
    assert refuse(broken).startswith("413")
    assert broken.failed


@pytest.mark.usefixtures("greenlets")
def test_a_body_whose_end_nobody_knows_is_left():
    body = Body(b"x")
    body.failed = True
    refuse(body)
    assert body.tell() == 0


@pytest.mark.parametrize("kind", [Body, io.BytesIO])
def test_other_servers_see_to_it_themselves(kind):
    body = kind(b"x")
    refuse(body)
    assert body.tell() == 0


def test_eight_refused_megabytes_cost_gunicorn_next_to_nothing(tmp_path):
    """They took two seconds of the processor before (gunicorn 26)."""
    with (
        migrated_database("sqlite", tmp_path) as url,
        serving(url, tmp_path, kind="gunicorn") as server,
    ):
        before = server.cpu_seconds()
        with requests.Session() as client:
            for _ in range(3):
                answer = client.post(f"{server.address}/none", b"x" * 8_000_000, timeout=60)
                assert answer.status_code == 404
            assert client.get(f"{server.address}/healthz", timeout=60).status_code == 200
        assert server.cpu_seconds() - before < 3 * 0.3
