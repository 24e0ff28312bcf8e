"""A database server that accepts and never answers keeps nobody waiting for long."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from leadintake.core.db import timeouts
from leadintake.core.db.database import db, engine_url
from leadintake.notifications.embedded import Stop
from leadintake.notifications.worker import Worker
from tests.support.leads import nothing_is_kept
from tests.support.proxy import Proxy, proxy_to

pytestmark = [pytest.mark.every_server, pytest.mark.measures_cpu]  # an answer is due within seconds
DUE_SECONDS = 3.0
"""Within which a prospect must be told that it does not work now."""


@pytest.fixture
def wire(database_url) -> Iterator[Proxy]:
    with proxy_to(engine_url(database_url).port) as proxy:
        yield proxy


@pytest.fixture
def settings(database_url, wire) -> dict[str, object]:
    url = engine_url(database_url).set(port=wire.port)
    return {"DATABASE_URL": url.render_as_string(hide_password=False)}


def test_a_submission_to_a_silent_database_is_503_in_time_and_works_again_by_itself(app, client, wire, rows):
    assert client.submit().status_code == 201  # now there is a connection in the pool
    wire.freeze()
    began = time.monotonic()
    answer = client.submit(key="one")
    assert time.monotonic() - began < DUE_SECONDS
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    wire.thaw()
    assert client.submit(key="one").status_code == 201


def test_so_is_the_first_one_of_all(app, client, wire, rows):
    wire.freeze()
    began = time.monotonic()
    assert client.submit().status_code == 503
    assert time.monotonic() - began < DUE_SECONDS
    wire.thaw()
    assert nothing_is_kept(app, rows)


def test_a_database_that_falls_silent_in_the_middle_holds_a_request_a_bounded_time(
    app, client, wire, rows, monkeypatch
):
    """What is held up there may be a lock that somebody has by right, so it is given longer."""
    monkeypatch.setattr(timeouts, "REQUEST_SECONDS", 1)
    asked = threading.Event()

    def fall_silent(_connection, _cursor, statement, *_):
        if " locks" in statement:
            wire.freeze()
            asked.set()

    with app.app_context():
        sa.event.listen(db.engine, "before_cursor_execute", fall_silent)
    began = time.monotonic()
    assert client.submit().status_code == 503
    assert asked.is_set()
    assert time.monotonic() - began < 1 + DUE_SECONDS
    with app.app_context():
        sa.event.remove(db.engine, "before_cursor_execute", fall_silent)
    wire.thaw()
    assert nothing_is_kept(app, rows)
    assert client.submit().status_code == 201


def test_an_answer_that_comes_too_late_is_never_taken_for_another(app, wire):
    """The connection is given up with the question."""
    with app.app_context(), app.test_request_context():
        patient = db.session.connection().connection.dbapi_connection
        db.session.rollback()
        wire.freeze()
        with pytest.raises(sa.exc.OperationalError):
            db.session.scalar(sa.text("SELECT 1"))
        wire.thaw()
        db.session.rollback()
        assert db.session.scalar(sa.text("SELECT 2")) == 2
        assert db.session.connection().connection.dbapi_connection is not patient


def test_commands_may_take_their_time(app):
    """A migration builds an index over millions of rows."""
    with app.app_context():
        connection = db.session.connection().connection.dbapi_connection
        given = getattr(connection, "answer_timeout", None) or connection._read_timeout
    assert given == timeouts.OTHER_SECONDS


def test_a_worker_may_not(app):
    """A statement that is never answered must not keep every later alert waiting for ten minutes."""
    given_to_it, stop = [], Stop()

    def look(connection, _cursor, _statement, *_):
        raw = connection.connection.dbapi_connection
        given_to_it.append(getattr(raw, "answer_timeout", None) or raw._read_timeout)
        stop.stop_event.set()

    chores = app.extensions.pop("leadintake.chores")  # whose statements are no alert's
    with app.app_context():
        sa.event.listen(db.engine, "before_cursor_execute", look)
    Worker(app).run(stop)
    with app.app_context():
        sa.event.remove(db.engine, "before_cursor_execute", look)
    app.extensions["leadintake.chores"] = chores
    assert set(given_to_it) == {timeouts.REQUEST_SECONDS}
