"""Counters that slow down whoever asks too often, and never stop anybody else."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest
import time_machine

from leadintake import create_app
from leadintake.core.http import limits
from leadintake.leads.models import Lead
from tests.support.client import Client
from tests.support.redis import free_port, redis_at

LIMIT = "2 per minute"


def statuses(client: Client, number: int, **environ: str) -> list[int]:
    """What `number` submissions in a row are answered."""
    found = []
    for _ in range(number):
        client.environ_base.update(environ)
        found.append(client.submit().status_code)
    return found


@pytest.fixture
def twin(app, settings, tmp_path) -> Client:
    """A client of another application with the same settings and database."""
    other = create_app(
        **settings,
        INSTANCE_PATH=str(tmp_path / "other"),
        DATABASE_URL=app.config["DATABASE_URL"],
        WORKER="external",
    )
    other.test_client_class = Client
    return other.test_client()


class TestInThisProcess:
    @pytest.fixture
    def settings(self):
        return {"RATE_LIMIT_SUBMISSIONS": f"{LIMIT}; 3 per hour"}

    def test_who_asks_too_often_is_429_and_told_when_to_come_back(self, client, rows):
        with time_machine.travel("2026-03-01T12:00:00Z", tick=False) as clock:
            assert statuses(client, 2) == [201, 201]
            answer = client.submit()
            assert answer.status_code == 429
            assert answer.json["title"] == "Too Many Requests"
            assert 0 < int(answer.headers["Retry-After"]) <= 60
            clock.shift(int(answer.headers["Retry-After"]) + 1)
            assert statuses(client, 1) == [201]
            assert 60 < int(client.submit().headers["Retry-After"]) <= 3600
        assert len(rows(Lead)) == 3

    def test_one_address_is_nothing_to_another(self, client):
        assert statuses(client, 3, REMOTE_ADDR="192.0.2.1") == [201, 201, 429]
        assert statuses(client, 3, REMOTE_ADDR="2001:db8::1") == [201, 201, 429]

    def test_a_header_makes_nobody_another_address(self, client):
        assert statuses(client, 2) == [201, 201]
        for number, name in enumerate(("X-Forwarded-For", "X-Real-Ip", "Forwarded", "Cf-Connecting-Ip")):
            headers = {name: f"192.0.2.{number}"}
            assert client.post("/public/leads", headers=headers).status_code == 429

    def test_reading_the_page_is_never_counted(self, client):
        assert statuses(client, 3) == [201, 201, 429]
        assert client.get("/").status_code == 200

    def test_a_refused_form_counts_too(self, client):
        assert client.submit(email="no").status_code == 422
        assert client.submit(email="no").status_code == 422
        assert client.submit().status_code == 429

    def test_two_applications_in_one_process_count_apart(self, client, twin):
        assert statuses(client, 3) == [201, 201, 429]
        assert statuses(twin, 3) == [201, 201, 429]


def test_no_limit_is_no_limit(client):
    assert statuses(client, 5) == [201] * 5


class TestRedisNowhere:
    @pytest.fixture
    def settings(self):
        return {"RATE_LIMIT_SUBMISSIONS": LIMIT, "REDIS_URL": f"redis://127.0.0.1:{free_port()}"}

    def test_submissions_go_on_and_this_process_counts(self, client):
        assert statuses(client, 4) == [201, 201, 429, 429]

    def test_signing_in_goes_on(self, client):
        wrong = {"email": "a@example.com", "password": "x"}
        assert client.post("/internal/session", json=wrong).status_code == 401

    def test_it_is_said_once_and_not_with_every_request(self, client, capfd):
        statuses(client, 3)
        assert capfd.readouterr().err.count("redis_away") == 1


class TestRedisThatHangs:
    """It takes connections and never says a word."""

    @pytest.fixture
    def server(self) -> Iterator[socket.socket]:
        with socket.create_server(("127.0.0.1", 0)) as server:
            yield server

    @pytest.fixture
    def calls(self, server) -> Iterator[list[socket.socket]]:
        """The connections it has taken."""
        calls: list[socket.socket] = []

        def listen() -> None:
            with contextlib.suppress(OSError):  # until nobody can call any more
                while True:
                    calls.append(server.accept()[0])

        thread = threading.Thread(target=listen)
        thread.start()
        yield calls
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
        for connection in calls:
            connection.close()

    @pytest.fixture
    def settings(self, server):
        host, port = server.getsockname()
        return {"RATE_LIMIT_SUBMISSIONS": LIMIT, "REDIS_URL": f"redis://{host}:{port}"}

    def test_submissions_go_on_and_it_is_left_alone_for_a_while(self, client, calls):
        assert statuses(client, 1) == [201]
        asked = len(calls)
        assert asked
        assert statuses(client, 3) == [201, 429, 429]
        assert len(calls) == asked


class TestARealRedis:
    @pytest.fixture
    def port(self) -> int:
        return free_port()

    @pytest.fixture
    def settings(self, port):
        return {"RATE_LIMIT_SUBMISSIONS": LIMIT, "REDIS_URL": f"redis://127.0.0.1:{port}"}

    def test_processes_count_together(self, client, twin, port, tmp_path):
        with redis_at(port, tmp_path):
            assert statuses(client, 1) == [201]
            assert statuses(twin, 2) == [201, 429]
            assert statuses(client, 1) == [429]

    def test_one_that_dies_and_comes_back_is_no_failure_and_is_used_again(
        self, client, port, tmp_path, monkeypatch
    ):
        monkeypatch.setattr(limits, "REDIS_RETRY_SECONDS", 0)
        with redis_at(port, tmp_path):
            assert statuses(client, 3) == [201, 201, 429]
        assert statuses(client, 1) == [201]  # this process has counted nothing yet
        with redis_at(port, tmp_path):
            assert statuses(client, 3) == [201, 201, 429]  # neither has a Redis that begins anew
