"""What fails halfway leaves nothing behind, says so honestly, and works again once mended."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from leadintake.core.db.database import db
from leadintake.core.errors import Unavailable
from leadintake.leads.models import Lead
from leadintake.notifications.service import notifications
from tests.factories import UserFactory
from tests.support.leads import files_of, nothing_is_kept

KEY = "the-same-key"


def turns_of(app) -> int:
    """How many turns were noted."""
    with app.app_context():
        return db.session.scalar(sa.text("SELECT count(*) FROM turns"))


def says_try_again(answer) -> bool:
    """Whether this is a 503 that says when."""
    return (
        answer.status_code == 503
        and answer.content_type == "application/problem+json"
        and int(answer.headers["Retry-After"]) > 0
    )


def test_a_storage_that_refuses_is_503_and_nothing_is_kept(client, app, given, rows, monkeypatch):
    given(UserFactory)

    def refuse(key, stream):
        raise Unavailable("The file storage does not answer.")

    with monkeypatch.context() as patch:
        patch.setattr(app.extensions["leadintake.storage"], "save", refuse)
        assert says_try_again(client.submit(key=KEY))
    assert nothing_is_kept(app, rows)
    assert turns_of(app) == 0
    mended = client.submit(key=KEY)
    assert mended.status_code == 201
    assert "Idempotency-Replayed" not in mended.headers


@pytest.mark.every_engine
def test_a_message_that_cannot_be_owed_undoes_the_lead_and_its_file(client, app, given, rows, monkeypatch):
    given(UserFactory)

    def fail(*arguments, **words):
        raise RuntimeError("the template is broken")

    with monkeypatch.context() as patch:
        patch.setattr(notifications, "enqueue", fail)
        answer = client.submit(key=KEY)
    assert answer.status_code == 500
    assert "template" not in answer.text
    assert answer.json["request_id"] == answer.headers["X-Request-Id"]
    assert nothing_is_kept(app, rows)
    assert turns_of(app) == 0
    assert client.submit(key=KEY).status_code == 201


@pytest.mark.every_engine
def test_a_commit_that_fails_is_never_answered_as_kept(client, app, given, rows):
    given(UserFactory)

    def fail(session):
        raise RuntimeError("the disk is full")

    sa.event.listen(db.session, "before_commit", fail)
    try:
        answer = client.submit(key=KEY)
    finally:
        sa.event.remove(db.session, "before_commit", fail)
    assert answer.status_code == 500
    assert nothing_is_kept(app, rows)
    mended = client.submit(key=KEY)
    assert (mended.status_code, len(rows(Lead)), len(files_of(app))) == (201, 1, 1)


def test_a_database_that_goes_away_at_the_commit_is_503(client, app, given, rows):
    given(UserFactory)

    def fail(session):
        raise sa.exc.OperationalError("COMMIT", {}, Exception("server closed the connection"))

    sa.event.listen(db.session, "before_commit", fail)
    try:
        answer = client.submit(key=KEY)
    finally:
        sa.event.remove(db.session, "before_commit", fail)
    assert says_try_again(answer)
    assert "server closed" not in answer.text
    assert nothing_is_kept(app, rows)


def test_a_confirmation_that_cannot_be_written_undoes_the_alert_too(client, app, given, rows, monkeypatch):
    given(UserFactory)
    owe = notifications.enqueue

    def fail(kind, *arguments, **words):
        if kind == "prospect_confirmation":
            raise sa.exc.DataError("INSERT", {}, Exception("too long"))
        return owe(kind, *arguments, **words)

    with monkeypatch.context() as patch:
        patch.setattr(notifications, "enqueue", fail)
        assert client.submit().status_code == 500
    assert nothing_is_kept(app, rows)


class TestWithoutAFolder:
    """A storage folder that cannot be made."""

    @pytest.fixture
    def settings(self, tmp_path: Path):
        (tmp_path / "taken").write_text("a file where the folder should be")
        return {"STORAGE_URL": f"file:{tmp_path / 'taken'}"}

    def test_it_is_503_until_it_is_mended(self, client, rows, tmp_path):
        assert says_try_again(client.submit(key=KEY))
        assert client.submit(accept="text/html").content_type.startswith("text/html")
        assert rows(Lead) == []
        (tmp_path / "taken").unlink()
        assert client.submit(key=KEY).status_code == 201
