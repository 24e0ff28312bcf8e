"""A stored file and its row: both or neither; the sweep mends what a crash left."""

from __future__ import annotations

import contextlib
import io
import json
import threading
from collections.abc import Callable

import pytest

from leadintake.core.database import db, reading
from leadintake.core.transaction import transaction
from leadintake.documents.models import Document
from leadintake.documents.service import Sweep, documents
from leadintake.leads.models import Lead
from tests.factories import DocumentFactory, LeadFactory, UserFactory
from tests.support.client import PDF
from tests.support.leads import files_of

pytestmark = pytest.mark.every_engine


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


@pytest.fixture
def sweep(app) -> Callable[..., object]:
    """Run `flask storage sweep`."""
    return lambda *options: app.test_cli_runner().invoke(args=["storage", "sweep", *options])


def test_a_file_is_kept_under_the_id_of_its_row(app, rows, names):
    with app.app_context(), transaction():
        keep()
    document = rows(Document)[0]
    assert names() == [document.key] == [f"{document.id}.pdf"]
    assert (document.filename, document.size) == ("resume.pdf", len(PDF))


def test_a_transaction_that_fails_takes_its_files_away(app, rows, names):
    with contextlib.suppress(RuntimeError), app.app_context(), transaction():
        keep()
        keep()
        assert len(names()) == 2
        raise RuntimeError("something else went wrong")
    assert names() == []
    assert rows(Document) == []


def test_a_name_in_any_script_is_kept(app, rows):
    name = "履歴書 🦊 Ünïcode.pdf"
    with app.app_context(), transaction():
        stream = io.BytesIO(PDF)
        db.session.add(documents.keep(documents.judge(name, stream), stream))
    assert rows(Document)[0].filename == name


def test_a_name_as_long_as_a_name_can_be_is_kept(app, rows):
    with app.app_context(), transaction():
        stream = io.BytesIO(PDF)
        db.session.add(documents.keep(documents.judge("履" * 400 + ".pdf", stream), stream))
    kept = rows(Document)[0].filename
    assert len(kept) == 255
    assert kept.endswith("履.pdf")


def test_a_sweep_removes_what_nobody_owns_and_nothing_else(app, given, names, sweep, rows):
    owned = {given(DocumentFactory).key, given(LeadFactory, "deleted").resume.key}
    with app.app_context():
        for orphan in ("orphan.pdf", "half.pdf.part"):
            documents.storage.save(orphan, io.BytesIO(b"x"))()
    answer = sweep("--format", "json")
    assert answer.exit_code == 0, answer.output
    assert {row["file"] for row in json.loads(answer.output)} == {"orphan.pdf", "half.pdf.part"}
    assert set(names()) == owned
    assert "Every file has its owner" in sweep().output


def test_a_sweep_reports_missing_files_of_deleted_documents_too(app, given, sweep):
    kept, lost, deleted = given(LeadFactory), given(LeadFactory), given(LeadFactory, "deleted")
    with app.app_context():
        documents.storage.delete(lost.resume.key)
        documents.storage.delete(deleted.resume.key)
    answer = sweep("--format", "json")
    assert answer.exit_code == 1
    found = {(row["file"], row["what"]) for row in json.loads(answer.output)}
    assert found == {(str(lost.resume_id), "missing"), (str(deleted.resume_id), "missing")}
    assert str(kept.resume_id) not in answer.output


def test_a_sweep_leaves_the_file_of_a_transaction_that_has_not_ended(app, names, sweep):
    kept, swept = threading.Event(), threading.Event()

    def upload() -> None:
        with app.app_context(), transaction():
            keep()
            kept.set()  # not flushed: on SQLite a writer would hold up nobody who only reads
            assert swept.wait(20)

    uploader = threading.Thread(target=upload)
    uploader.start()
    assert kept.wait(20)
    during = sweep("--format", "json")
    swept.set()
    uploader.join()
    assert json.loads(during.output) == []
    assert json.loads(sweep("--format", "json").output) == []
    assert len(names()) == 1


def test_a_sweep_that_waited_for_a_transaction_sees_what_it_committed(app, names):
    """The row is committed after the sweep began to read and before it asks about the file."""
    with app.app_context(), reading():
        db.session.scalars(db.select(Document)).all()  # the sweep's own snapshot begins here

        def upload() -> None:
            with app.app_context(), transaction():
                keep()

        uploader = threading.Thread(target=upload)
        uploader.start()
        uploader.join()
        done = documents.sweep()
    assert (done.removed, done.missing) == ([], [])
    assert len(names()) == 1


def test_a_file_that_arrived_after_the_sweep_looked_is_not_missing(app, given, monkeypatch):
    given(LeadFactory)
    with app.app_context(), reading():
        monkeypatch.setattr(type(documents.storage), "names", lambda _storage: iter(()))
        assert documents.sweep().missing == []


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


def test_a_sweep_leaves_a_file_whose_row_came_while_it_looked(app, given, monkeypatch):
    document = given(DocumentFactory)
    look, looks = documents._owners, []

    def look_too_early(wanted, condition):
        looks.append(condition)
        return [] if len(looks) == 1 else look(wanted, condition)

    monkeypatch.setattr(documents, "_owners", look_too_early)
    with app.app_context():
        assert documents.sweep() == Sweep()
    assert files_of(app) == [document.key]
