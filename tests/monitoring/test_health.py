"""/healthz and /readyz: alive, and able to serve."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine

from leadintake.core import checks
from leadintake.core.clock import now
from leadintake.core.transaction import transaction
from leadintake.notifications.service import notifications

SECRET = "could not connect to owner:hunter2@10.0.0.7"


@pytest.fixture
def worker(app):
    """A worker that was seen just now."""
    with app.app_context(), transaction():
        notifications.beat("worker:1")


def failing(answer) -> str:
    """What a 503 of /readyz names."""
    assert answer.status_code == 503
    assert answer.content_type == "application/problem+json"
    assert answer.headers["Retry-After"]
    return answer.json["detail"].removeprefix("Not working: ").partition(".")[0]


@pytest.mark.every_engine
@pytest.mark.usefixtures("worker")
def test_a_service_that_has_all_it_needs_is_ready(client):
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json) == (200, {"status": "ready"})


def test_a_worker_that_was_never_seen_is_named(client):
    assert failing(client.get("/readyz")) == "worker"


@pytest.mark.every_engine
@pytest.mark.usefixtures("worker")
def test_a_worker_that_was_not_seen_for_long_is_named(client):
    with time_machine.travel(now() + timedelta(seconds=30)):
        assert client.get("/readyz").status_code == 200
    with time_machine.travel(now() + timedelta(minutes=5)):
        assert failing(client.get("/readyz")) == "worker"


@pytest.mark.usefixtures("worker")
def test_a_storage_that_takes_nothing_is_named_and_found_again(app, client):
    folder = Path(app.config["STORAGE_URL"].removeprefix("file:"))
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("in the way")
    answer = client.get("/readyz")
    assert failing(answer) == "storage"
    assert str(folder) not in answer.text
    folder.unlink()
    assert client.get("/readyz").status_code == 200


def test_all_that_fails_is_named_and_no_cause_is_told(app, client):
    def broken():
        raise RuntimeError(SECRET)

    for part in ("zebra", "aardvark"):
        checks.register(app, part, broken)
    answer = client.get("/readyz")
    assert failing(answer) == "aardvark, worker, zebra"
    assert "hunter2" not in answer.text
    page = client.get("/readyz", headers={"Accept": "text/html"})
    assert page.status_code == 503
    assert "hunter2" not in page.text


@pytest.mark.usefixtures("worker")
def test_what_only_the_doctor_looks_at_makes_nobody_unready(app, client):
    def broken():
        raise RuntimeError(SECRET)

    checks.register(app, "optional", broken, needed=False)
    assert client.get("/readyz").status_code == 200


@pytest.mark.usefixtures("worker")
def test_watching_leaves_nothing_behind_in_the_storage(app, client):
    for _ in range(3):
        client.get("/readyz")
    assert list(Path(app.config["STORAGE_URL"].removeprefix("file:")).iterdir()) == []


def test_alive_is_not_ready(client):
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json) == (200, {"status": "ok"})
    assert client.get("/readyz").status_code == 503


def test_health_asks_nothing_of_anybody(app, client, monkeypatch):
    def never(*_arguments, **_options):
        raise AssertionError("a process lives without its database")

    monkeypatch.setattr(checks, "failing", never)
    monkeypatch.setattr("leadintake.core.database.db.session.execute", never)
    assert client.get("/healthz").status_code == 200


def test_both_answer_head_and_take_nothing_else(client):
    assert client.head("/healthz").status_code == 200
    assert client.head("/readyz").status_code == 503
    for path in ("/healthz", "/readyz"):
        assert client.post(path).status_code == 405
        assert client.get(f"{path}?verbose=1").status_code == 422
