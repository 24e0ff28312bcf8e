"""Files in an object storage: the same promises, kept against a real S3 protocol."""

from __future__ import annotations

import io
import json
import mmap
import os
import socket
import tempfile
from datetime import timedelta

import obstore
import pytest
import time_machine
from werkzeug.test import run_wsgi_app

from leadintake.core.clock import now
from leadintake.core.errors import Unavailable
from leadintake.documents.models import Document
from leadintake.documents.ownership import ownership
from leadintake.documents.probe import StorageBroken, probe
from leadintake.documents.service import documents
from leadintake.documents.storage import objects
from leadintake.documents.storage.interface import Stores
from leadintake.documents.storage.objects import ObjectStore
from leadintake.documents.sweep import AGE
from leadintake.documents.trash import empty_trash
from leadintake.leads.models import Lead
from tests.factories import LeadFactory, UserFactory
from tests.support.client import PDF
from tests.support.s3 import QUIET, found_at, make_bucket, own_s3

pytestmark = [pytest.mark.filterwarnings(warning) for warning in QUIET]
KEY = "01890000-0000-7000-8000-000000000000.pdf"
BATCH = "20261128T120000Z"
LATER = AGE + timedelta(hours=2)


@pytest.fixture(scope="module")
def s3():
    """The address of an S3 of our own."""
    with own_s3() as address:
        yield address


@pytest.fixture(autouse=True)
def bucket(s3, monkeypatch) -> str:
    """An empty bucket of the test's own, and the environment in which it is found."""
    make_bucket(s3, "resumes")
    for name, value in found_at(s3).items():
        monkeypatch.setenv(name, value)
    return "resumes"


@pytest.fixture
def settings(bucket):
    return {"STORAGE_URL": f"s3://{bucket}/a/prefix"}


@pytest.fixture
def store(bucket) -> ObjectStore:
    return ObjectStore(f"s3://{bucket}/a/prefix")


@pytest.fixture
def away(bucket, monkeypatch) -> ObjectStore:
    """A storage where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    return ObjectStore("s3://resumes")


def never() -> bool:
    return False


def discard(store: ObjectStore, key: str, owned) -> bool:
    """Move an object to the trash, unless it is young."""
    return store.discard(key, BATCH, now() - AGE, owned)


def test_bytes_come_back_as_they_were_given(store):
    content = os.urandom(3_000_000)
    store.save(KEY, io.BytesIO(content))()
    stream = store.open(KEY)
    assert stream.read() == content
    stream.seek(1_000_000)
    assert stream.read(10) == content[1_000_000:1_000_010]
    stream.close()


def test_a_file_on_the_disk_is_mapped_and_not_read_into_memory(store, monkeypatch):
    content, given = os.urandom(3_000_000), []
    put = obstore.put
    monkeypatch.setattr(obstore, "put", lambda *them, **more: given.append(them[2]) or put(*them, **more))
    with tempfile.SpooledTemporaryFile(1000) as file:
        file.write(content)
        store.save(KEY, file)()
    assert [type(one) for one in given] == [mmap.mmap]
    assert given[0].closed
    with store.open(KEY) as kept:
        assert kept.read() == content


def test_names_are_those_below_the_prefix_without_it(store, bucket):
    ObjectStore(f"s3://{bucket}/another").save("other.pdf", io.BytesIO(b"x"))()
    store.save(KEY, io.BytesIO(b"x"))()
    assert list(store.names()) == [KEY]


def test_what_is_not_there_says_so_and_may_be_deleted(store):
    with pytest.raises(FileNotFoundError):
        store.open(KEY)
    store.delete(KEY)
    assert list(store.names()) == []


def test_an_object_is_taken_back_and_one_that_is_not_there_is_no_error(store):
    store.save(KEY, io.BytesIO(b"x"))()
    store.undo_save(KEY)
    store.undo_save(KEY)
    assert list(store.names()) == []


def test_taking_back_from_a_storage_that_is_away_hides_no_other_failure(away):
    away.undo_save(KEY)


def test_a_move_waits_longer_than_a_submission(bucket, monkeypatch):
    given = []
    made = objects.from_url
    monkeypatch.setattr(
        objects,
        "from_url",
        lambda url, **options: given.append(options["client_options"]) or made(url, **options),
    )
    stores = Stores(f"s3://{bucket}")
    for store in (stores.at(None), stores.at(None, long_timeouts=True)):
        store.save(KEY, io.BytesIO(b"x"))()
        store.undo_save(KEY)
    assert [options["timeout"] for options in given] == ["5s", "2s", "120s", "2s"]
    assert stores.at(None) is stores.at(None)


def test_a_deleted_object_is_gone(store):
    store.save(KEY, io.BytesIO(b"x"))()
    store.delete(KEY)
    assert list(store.names()) == []


def test_a_young_object_is_left_to_its_upload_and_an_old_one_is_removed_unless_owned(store):
    store.save(KEY, io.BytesIO(b"x"))()
    assert discard(store, KEY, never) is False
    with time_machine.travel(now() + LATER, tick=True):
        assert discard(store, KEY, lambda: True) is False
        assert list(store.names()) == [KEY]
        assert discard(store, KEY, never) is True
        assert list(store.names()) == []


def test_an_object_that_was_taken_back_during_a_sweep_is_no_failure(store):
    assert discard(store, KEY, never) is False


def test_a_storage_that_does_not_answer_is_unavailable_in_every_way(away):
    for act in (
        lambda: away.save(KEY, io.BytesIO(b"x")),
        lambda: away.open(KEY),
        lambda: away.delete(KEY),
        lambda: list(away.names()),
        lambda: discard(away, KEY, never),
        away.check,
    ):
        with pytest.raises(Unavailable):
            act()


def test_a_bucket_that_does_not_exist_is_unavailable(s3):
    missing = ObjectStore("s3://no-such-bucket")
    with pytest.raises(Unavailable):
        missing.save(KEY, io.BytesIO(b"x"))
    with pytest.raises(Unavailable):
        missing.check()


def test_a_look_at_a_storage_that_answers_is_silent(store):
    store.check()
    store.save(KEY, io.BytesIO(b"x"))()
    store.check()


def test_a_probe_leaves_nothing_and_names_the_cause_where_there_is_no_bucket(store):
    probe(store, store.url)
    assert list(store.names()) == []
    with pytest.raises(StorageBroken, match=r"Cannot store a file at s3://no-such-bucket: NoSuchBucket"):
        probe(ObjectStore("s3://no-such-bucket"), "s3://no-such-bucket")


def test_a_submission_is_stored_and_comes_back_byte_for_byte(app, client, given, rows):
    client.sign_in(given(UserFactory, "manager"))
    lead_id = client.submit().json["id"]
    with app.app_context():
        assert list(documents.storage.names()) == [rows(Document)[0].key]
    address = f"/internal/leads/{lead_id}/resume"
    whole = client.get(address)
    assert (whole.status_code, whole.data) == (200, PDF)
    part = client.get(address, headers={"Range": "bytes=5-14"})
    assert (part.status_code, part.data) == (206, PDF[5:15])
    end = client.get(address, headers={"Range": "bytes=-7"})
    assert (end.status_code, end.data) == (206, PDF[-7:])
    head = client.head(address)
    assert (head.status_code, head.content_length, head.data) == (200, len(PDF), b"")


def test_a_server_is_given_real_bytes(app, client, given):
    """PEP 3333 asks for bytes: a server in C takes no other buffer."""
    client.sign_in(given(UserFactory, "manager"))
    lead = given(LeadFactory)
    environ = client.get(f"/internal/leads/{lead.id}/resume").request.environ
    pieces, status, _ = run_wsgi_app(app.wsgi_app, environ)
    assert status.startswith("200")
    assert {type(piece) for piece in pieces} == {bytes}


def test_a_transaction_that_fails_takes_its_object_away(app, client, monkeypatch, rows):
    from leadintake.leads.intake.service import Intake

    def fail(self, lead, screened):
        raise RuntimeError("after the file was stored")

    monkeypatch.setattr(Intake, "_enqueue_messages", fail)
    assert client.submit().status_code == 500
    with app.app_context():
        assert list(documents.storage.names()) == []
    assert rows(Lead) == []


def test_a_sweep_names_what_is_missing_and_removes_what_is_old(app, given):
    lost, kept = given(LeadFactory), given(LeadFactory)
    with app.app_context():
        documents.storage.delete(lost.resume.key)
        ownership.maintain(never)  # it is ours from here on
        documents.storage.save("orphan.pdf", io.BytesIO(b"x"))()
    run = app.test_cli_runner().invoke
    with time_machine.travel(now() + LATER, tick=True):
        answer = run(args=["storage", "sweep", "--really", "--format", "json"])
    found = {(row["file"], row["what"]) for row in json.loads(answer.stdout)}
    assert found == {("orphan.pdf", "moved to the trash"), (str(lost.resume_id), "missing")}
    assert answer.exit_code == 1
    with app.app_context():
        assert list(documents.storage.names()) == [kept.resume.key]
        (trashed,) = documents.storage.trash()
        assert (trashed.key, trashed.forced) == ("orphan.pdf", True)
        assert documents.storage.restore(trashed) is True
        assert documents.storage.open("orphan.pdf").read() == b"x"
        assert documents.storage.restore(trashed) is False
        assert list(documents.storage.trash()) == []


def test_the_trash_is_emptied_and_nothing_else(app, store):
    with app.app_context():
        ownership.maintain(never)
        for folder in ("trash/20260101T000000Z/old.pdf", "trash/mine/letter.pdf", "another/prefix.pdf"):
            store.save(folder, io.BytesIO(b"x"))()
        assert [trashed.key for trashed in documents.storage.trash()] == ["old.pdf"]
        assert list(documents.storage.names()) == []
        assert empty_trash() == (1, 0)
        assert list(documents.storage.trash()) == []
    assert store.open("trash/mine/letter.pdf").read() == b"x"


class TestAway:
    @pytest.fixture
    def settings(self, away):
        return {"STORAGE_URL": away.url}

    def test_a_storage_that_is_away_is_503_and_nothing_is_kept(self, client, rows):
        answer = client.submit()
        assert answer.status_code == 503
        assert answer.headers["Retry-After"]
        assert "127.0.0.1" not in answer.text
        assert rows(Lead) == rows(Document) == []

    def test_a_sweep_says_in_one_line_that_it_is_away(self, app):
        answer = app.test_cli_runner().invoke(args=["storage", "sweep"])
        assert answer.exit_code == 1
        assert isinstance(answer.exception, SystemExit)
        assert "storage does not answer" in answer.stderr
