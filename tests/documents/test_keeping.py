"""A stored file and its row: both or neither."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable

import pytest

from leadintake.core.db.database import db
from leadintake.core.db.transaction import transaction
from leadintake.core.errors import Unavailable
from leadintake.documents.models import Document
from leadintake.documents.service import documents
from leadintake.documents.storage.local import LocalFolder
from leadintake.leads.models import Lead
from tests.factories import LeadFactory, UserFactory
from tests.support.client import PDF


def keep() -> Document:
    """Judge and keep a resume in the running transaction."""
    stream = io.BytesIO(PDF)
    document = documents.keep(documents.judge("resume.pdf", stream), stream)
    db.session.add(document)
    return document


@pytest.fixture
def names(app) -> Callable[[], list[str]]:
    """The files there are."""

    def read() -> list[str]:
        with app.app_context():
            return list(documents.storage.names())

    return read


def test_a_file_is_kept_under_the_id_of_its_row(app, rows, names):
    with app.app_context(), transaction():
        keep()
    document = rows(Document)[0]
    assert names() == [document.key] == [f"{document.id}.pdf"]
    assert (document.filename, document.size) == ("resume.pdf", len(PDF))


@pytest.mark.every_engine
def test_a_transaction_that_fails_takes_its_files_away(app, rows, names):
    with contextlib.suppress(RuntimeError), app.app_context(), transaction():
        keep()
        keep()
        assert len(names()) == 2
        raise RuntimeError("something else went wrong")
    assert names() == []
    assert rows(Document) == []


def test_a_file_that_was_stored_after_its_save_was_given_up_is_taken_away(app, rows, names, monkeypatch):
    """As an object storage does that is too slow for the time-out."""
    save = LocalFolder.save

    def too_slow(self, key, stream):
        save(self, key, stream)()
        raise Unavailable("The file storage does not answer.")

    monkeypatch.setattr(LocalFolder, "save", too_slow)
    with pytest.raises(Unavailable), app.app_context(), transaction():
        keep()
    assert names() == []
    assert rows(Document) == []


@pytest.mark.every_engine
def test_a_name_in_any_script_is_kept(app, rows):
    name = "履歴書 🦊 Ünïcode.pdf"
    with app.app_context(), transaction():
        stream = io.BytesIO(PDF)
        db.session.add(documents.keep(documents.judge(name, stream), stream))
    assert rows(Document)[0].filename == name


@pytest.mark.every_engine
def test_a_name_as_long_as_a_name_can_be_is_kept(app, rows):
    with app.app_context(), transaction():
        stream = io.BytesIO(PDF)
        db.session.add(documents.keep(documents.judge("履" * 400 + ".pdf", stream), stream))
    kept = rows(Document)[0].filename
    assert len(kept) == 255
    assert kept.endswith("履.pdf")


def test_a_lead_whose_file_is_gone_is_503_and_not_an_empty_file(app, client, given):
    lead = given(LeadFactory)
    client.sign_in(given(UserFactory, "manager"))
    with app.app_context():
        documents.storage.delete(lead.resume.key)
    answer = client.get(f"/internal/leads/{lead.id}/resume")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert lead.resume.key not in answer.text


def test_a_refused_submission_never_touches_the_storage(client, names, rows, monkeypatch):
    def untouchable(*_arguments):
        raise AssertionError("nothing may be written before the form is judged")

    monkeypatch.setattr(type(documents), "keep", untouchable)
    assert client.submit(email="jane@").status_code == 422
    assert names() == []
    assert rows(Lead) == []
