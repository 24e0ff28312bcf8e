"""The worker thread inside a web process, and the servers that start it."""

from __future__ import annotations

import contextlib
import threading

import pytest
from flask import current_app

from leadintake import serving
from leadintake.core.db.database import db
from leadintake.core.db.transaction import transaction
from leadintake.notifications import embedded
from leadintake.notifications.models import Notification, Status
from leadintake.notifications.service import notifications
from leadintake.notifications.worker import start_embedded
from tests.factories import NotificationFactory
from tests.support.waiting import until


@pytest.fixture
def tidy(app):
    """Stop the embedded worker, whatever a test did."""
    yield
    with app.app_context():
        embedded.stop()


@pytest.mark.usefixtures("tidy")
class TestEmbedded:
    """WORKER=embedded."""

    @pytest.fixture
    def settings(self) -> dict[str, object]:
        return {"WORKER": "embedded"}

    def test_a_submission_is_answered_and_its_message_leaves(self, client, rows):
        assert client.submit().status_code == 201
        until(lambda: [one.status for one in rows(Notification)] == [Status.SENT])

    def test_it_starts_with_the_first_request_and_once(self, app, browser):
        assert "leadintake.embedded" not in app.extensions
        browser().get("/healthz")
        thread = app.extensions["leadintake.embedded"]["thread"]
        for _ in range(3):
            browser().get("/healthz")
        start_embedded(app)
        assert app.extensions["leadintake.embedded"]["thread"] is thread
        assert thread.is_alive()
        assert [one.name for one in threading.enumerate()].count("leadintake-worker") == 1

    def test_it_stops_when_told_and_can_begin_again(self, app, client):
        client.get("/healthz")
        thread = app.extensions["leadintake.embedded"]["thread"]
        with app.app_context():
            embedded.stop()
            assert not thread.is_alive()
            embedded.stop()  # a second time is harmless
        client.get("/healthz")
        assert app.extensions["leadintake.embedded"]["thread"].is_alive()

    def test_a_forked_child_starts_its_own(self, app, client):
        client.get("/healthz")
        state = app.extensions["leadintake.embedded"]
        first = state["thread"]
        stop = state["stop"]
        state["pid"] = -1  # as the child of a server that forked sees it
        client.get("/healthz")
        assert state["thread"] is not first
        stop.stop_event.set()
        first.join()

    def test_a_commit_wakes_it_and_a_rollback_does_not(self, app, client, monkeypatch):
        client.get("/healthz")
        woken = []
        monkeypatch.setattr(embedded, "wake", lambda: woken.append(1))
        with app.app_context():
            with contextlib.suppress(ZeroDivisionError), transaction():
                notifications.enqueue("prospect_confirmation", "a@b.example", name="", reference="1")
                raise ZeroDivisionError
            assert woken == []
            with transaction():
                notifications.enqueue("prospect_confirmation", "a@b.example", name="", reference="1")
                assert woken == []
            assert woken == [1]

    def test_waking_sets_off_the_thread_of_this_application(self, app):
        started = threading.Event()

        def run(stop) -> None:
            started.wait(10)
            until(stop.wake_event.is_set)

        with app.app_context():
            embedded.wake()  # harmless before there is a thread
            embedded.start(run)
            started.set()
            embedded.wake()
            current_app.extensions["leadintake.embedded"]["thread"].join(10)
            assert not current_app.extensions["leadintake.embedded"]["thread"].is_alive()


class TestServing:
    """leadintake.serving."""

    @pytest.fixture
    def serve(self, database_url, tmp_path, monkeypatch):
        made = []

        def begin(**environment: str):
            for name, value in environment.items():
                monkeypatch.setenv(name, value)
            monkeypatch.setenv("LEADINTAKE_INSTANCE_PATH", str(tmp_path / "served"))
            monkeypatch.setenv("LEADINTAKE_DATABASE_URL", database_url)
            made.append(serving.serve())
            return made[-1]

        yield begin
        for app in made:
            with app.app_context():
                embedded.stop()
                db.engine.dispose()

    def test_a_server_sends_what_it_owes_before_anybody_calls(self, serve, given, rows, monkeypatch):
        monkeypatch.delenv("FLASK_RUN_FROM_CLI", raising=False)
        given(NotificationFactory)
        serve()
        until(lambda: rows(Notification)[0].status is Status.SENT)

    def test_a_command_starts_no_worker(self, serve):
        assert "leadintake.embedded" not in serve(FLASK_RUN_FROM_CLI="true").extensions

    def test_nor_does_a_server_beside_an_external_worker(self, serve):
        assert "leadintake.embedded" not in serve(LEADINTAKE_WORKER="external").extensions
