"""The connection breaks at the commit itself: nobody can say whether it happened, so nothing is undone."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import OperationalError

from leadintake.core.db.database import db
from leadintake.core.db.transaction import OutcomeUnknown, commit, on_commit, on_end, on_rollback
from leadintake.core.hooks import When
from leadintake.documents.models import Document
from leadintake.leads.events import lead_created
from leadintake.leads.models import Lead
from leadintake.notifications.models import Notification
from tests.factories import UserFactory
from tests.support.client import PDF


@pytest.fixture
def cut(monkeypatch):
    """Make the next commit succeed and lose its answer."""

    broken: list[bool] = []

    def commit_without_answer():
        db.session().commit()
        if broken:
            broken.clear()
            raise OperationalError("COMMIT", {}, Exception("server closed the connection"))

    monkeypatch.setattr(db.session, "commit", commit_without_answer)
    return lambda: broken.append(True)


@pytest.fixture
def far_away(app, monkeypatch):
    """A database behind a connection: SQLite has none that could break."""
    with app.app_context():
        monkeypatch.setattr(db.engine.dialect, "name", "postgresql")


@pytest.mark.every_engine
def test_a_lead_that_may_have_been_kept_keeps_its_file_and_a_retry_finds_both(
    client, browser, given, rows, cut, engine_name
):
    admin = given(UserFactory, "admin")
    reader = browser().sign_in(admin)
    cut()
    first = client.submit(key="one")
    assert first.status_code == 503
    assert "Retry-After" in first.headers
    if engine_name == "sqlite":
        assert "Nothing was kept" in first.json["detail"]  # there such an error means what it says
        return
    assert "cannot say" in first.json["detail"]
    again = client.submit(key="one")
    assert again.status_code == 201
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (len(rows(Lead)), len(rows(Document)), len(rows(Notification))) == (1, 1, 2)
    assert reader.get(f"/internal/leads/{again.json['id']}/resume").data == PDF


def test_nothing_is_undone_and_everything_is_let_go(app, far_away, cut):
    done = []
    with app.app_context():
        on_commit(lambda: done.append("commit"))
        on_rollback(lambda: done.append("rollback"))
        on_end(lambda: done.append("end"))
        cut()
        with pytest.raises(OutcomeUnknown):
            commit()
    assert done == ["end"]


def test_nobody_hears_of_what_may_not_have_happened(app, client, far_away, cut):
    heard = []
    lead_created.connect(app, heard.append, when=When.AFTER_COMMIT)
    cut()
    assert client.submit().status_code == 503
    assert heard == []
