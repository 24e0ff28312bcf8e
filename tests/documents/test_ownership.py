"""Nothing is ever removed from a storage that is not this database's for certain."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask

from leadintake import create_app
from leadintake.core import chores
from leadintake.core.clock import now
from leadintake.core.db.database import db
from leadintake.core.db.transaction import transaction
from leadintake.core.errors import Unavailable
from leadintake.documents.installation import read_sweep_refusal
from leadintake.documents.missing import IN_TRASH, Search
from leadintake.documents.models import Installation
from leadintake.documents.ownership import RENEW_EVERY, ownership
from leadintake.documents.service import documents
from leadintake.documents.storage.entries import MARKER, SHARED
from leadintake.notifications.service import notifications
from tests.factories import DocumentFactory, UserFactory
from tests.support.client import Client
from tests.support.engines import fresh_copy
from tests.support.leads import files_of

FILES = 1_000
LONG_AFTER = timedelta(days=3)


@pytest.fixture
def another(app, template, tmp_path) -> Iterator[Callable[..., Flask]]:
    """Applications with databases of their own on the same storage."""
    made = []

    def make(database_url: str | None = None) -> Flask:
        folder = tmp_path / f"other{len(made)}"
        folder.mkdir()
        other = create_app(
            INSTANCE_PATH=str(folder),
            DATABASE_URL=database_url or fresh_copy(template, folder),
            STORAGE_URL=app.config["STORAGE_URL"],
            WORKER="external",
            TESTING=True,
        )
        other.test_client_class = Client
        made.append(other)
        return other

    yield make
    for other in made:
        with other.app_context():
            db.engine.dispose()


def work(app: Flask, *, after: timedelta = timedelta(0)) -> None:
    """Do all that a worker does beside the messages, as one that has run for ten minutes."""
    done: dict[str, float] = {chores.START: -1_000_000.0}
    with time_machine.travel(now() + after, tick=True):
        chores.run_due(app, lambda: False, done)


def lay_down(app: Flask, number: int) -> None:
    """Lay files into the storage that no row owns."""
    folder = Path(app.config["STORAGE_URL"].removeprefix("file:"))
    folder.mkdir(parents=True, exist_ok=True)
    for one in range(number):
        (folder / f"file{one:04}.pdf").write_bytes(b"of somebody")


def doctor(app: Flask) -> dict[str, str]:
    """The parts that the doctor finds wrong. It must find some."""
    answer = app.test_cli_runner().invoke(args=["doctor", "--format", "json"])
    assert answer.exit_code == 1
    return {row["part"]: row["detail"] for row in json.loads(answer.stdout) if row["state"] == "wrong"}


def readiness(app: Flask) -> tuple[int, dict[str, object]]:
    """The answer of /readyz beside a worker that lives."""
    with app.app_context(), transaction():
        notifications.record_beat("worker:1")
    answer = app.test_client().get("/readyz")
    return answer.status_code, answer.json


@pytest.mark.parametrize("marked", [True, False], ids=["of another installation", "unmarked"])
def test_an_empty_database_removes_none_of_a_thousand_files(app, another, marked, capfd):
    if marked:
        work(app)
    lay_down(app, FILES)
    other = another()
    work(other, after=LONG_AFTER)
    said = capfd.readouterr().err
    assert len(files_of(app)) == FILES
    assert "storage_not_ours" in said
    assert "sweep_refused" in said
    assert ("belongs to another" if marked else "knows 0 of its 1000") in doctor(other)["storage owner"]
    assert readiness(other) == (200, {"status": "ready", "warnings": ["storage owner", "sweep"]})
    really = other.test_cli_runner().invoke(args=["storage", "sweep", "--really"])
    assert really.exit_code == 1
    assert len(files_of(app)) == FILES


@pytest.mark.parametrize("name", [MARKER, SHARED])
def test_a_marker_that_cannot_be_read_is_said_and_nothing_is_removed(app, given, name):
    """As one that root wrote, or here: a folder."""
    work(app)
    folder = Path(app.config["STORAGE_URL"].removeprefix("file:"))
    (folder / name).unlink(missing_ok=True)
    (folder / name).mkdir()
    lay_down(app, 5)
    work(app, after=LONG_AFTER)
    assert len(files_of(app)) == 5
    assert f"The marker {folder / name} cannot be read: Is a directory." in doctor(app)["storage owner"]
    assert "storage owner" in readiness(app)[1]["warnings"]
    answer = app.test_cli_runner().invoke(args=["storage", "adopt"])
    assert (answer.exit_code, "cannot be read" in answer.stderr) == (1, True)


def test_a_clock_that_was_put_back_stops_no_renewal(app, rows):
    work(app, after=timedelta(days=40))
    before = rows(Installation)[0].epoch
    work(app)
    row = rows(Installation)[0]
    assert row.epoch == before + 1
    assert row.renewed_at < now() + timedelta(days=1)
    assert json.loads(_marker(app))["epoch"] == row.epoch


def test_uploads_go_on_where_the_storage_is_anothers(app, another, given):
    work(app)
    lay_down(app, 20)
    other = another()
    work(other, after=LONG_AFTER)
    assert other.test_client().submit().status_code == 201
    assert len(files_of(app)) == 21


@pytest.mark.parametrize("within_minutes", [False, True], ids=["of yesterday", "of minutes ago"])
def test_an_older_dump_removes_nothing(app, another, given, tmp_path, within_minutes):
    given(DocumentFactory)
    work(app)
    with app.app_context():
        db.engine.dispose()
    dump = tmp_path / "dump.sqlite3"
    shutil.copy(app.config["DATABASE_URL"].removeprefix("sqlite:///"), dump)
    for _ in range(12 if within_minutes else 3):
        given(DocumentFactory)
    if not within_minutes:
        work(app, after=timedelta(hours=20))
    restored = another(f"sqlite:///{dump}")
    work(restored, after=LONG_AFTER)
    assert len(files_of(app)) == (13 if within_minutes else 4)
    reason = "no row" if within_minutes else "newer copy"
    with restored.app_context():
        assert reason in read_sweep_refusal()
    assert readiness(restored)[0] == 200
    assert "sweep" in doctor(restored)


def test_the_demonstration_and_then_another_database_in_one_checkout_lose_nothing(app, another, given):
    given(UserFactory)
    work(app)  # as `flask demo` does at its start
    for number in range(4):
        assert app.test_client().submit(f"demo-{number}").status_code == 201
    production = another()
    work(production, after=LONG_AFTER)
    assert production.test_client().submit("production").status_code == 201
    work(production, after=LONG_AFTER + timedelta(days=1))
    work(app, after=LONG_AFTER)
    assert len(files_of(app)) == 5
    assert list(Path(app.config["STORAGE_URL"].removeprefix("file:")).glob("trash/*/*")) == []


def test_an_empty_storage_is_claimed_and_its_marker_and_row_agree(app, rows):
    work(app)
    (row,) = rows(Installation)
    marker = json.loads(_marker(app))
    assert (marker["installation"], marker["epoch"]) == (str(row.id), row.epoch) == (str(row.id), 1)
    work(app)
    assert rows(Installation)[0].epoch == 1
    work(app, after=RENEW_EVERY + timedelta(seconds=1))
    (row,) = rows(Installation)
    assert (json.loads(_marker(app))["epoch"], row.epoch, row.storage_problem) == (2, 2, "")


@pytest.mark.parametrize(("unknown", "claimed"), [(1, True), (2, False)], ids=["nine in ten", "fewer"])
def test_an_unmarked_storage_is_claimed_where_nine_in_ten_of_its_files_are_known(
    app, given, unknown, claimed
):
    for _ in range(9):
        given(DocumentFactory)
    lay_down(app, unknown)
    work(app)
    assert (_marker(app) is not None) is claimed


def test_a_worker_that_died_before_it_wrote_the_marker_is_no_other(app, rows):
    work(app)
    with app.app_context(), transaction():
        db.session.execute(sa.update(Installation).values(epoch=7))
    work(app)
    assert json.loads(_marker(app))["epoch"] == 7
    assert rows(Installation)[0].storage_problem == ""


def test_a_marker_that_nobody_can_read_is_anothers(app):
    work(app)
    with app.app_context():
        for content in (b"", b"{", b'{"installation": "x", "epoch": 1, "at": "2026-01-01T00:00:00Z"}'):
            documents.storage.write_note(MARKER, content)
            assert "unreadable" in ownership.judge(documents.storage).problem


def test_nothing_is_written_once_told_to_stop(app, rows):
    with app.app_context():
        ownership.maintain(lambda: True)
    assert (rows(Installation), _marker(app)) == ([], None)


class TestAdopting:
    @pytest.fixture
    def adopt(self) -> Callable[..., object]:
        """Run `flask storage adopt`."""
        return lambda app, *options: app.test_cli_runner().invoke(args=["storage", "adopt", *options])

    def test_an_unmarked_storage_is_ours_by_an_operators_word(self, app, adopt):
        lay_down(app, 5)
        work(app, after=LONG_AFTER)
        answer = adopt(app)
        assert answer.exit_code == 0, answer.output
        assert "5 of 5 files have no row" in answer.stdout
        assert readiness(app) == (200, {"status": "ready"})
        work(app, after=LONG_AFTER)
        assert files_of(app) == []

    def test_after_a_restore_it_is_ours_again(self, app, adopt):
        work(app)
        with app.app_context(), transaction():
            db.session.execute(sa.update(Installation).values(epoch=0))
        with app.app_context():
            assert "newer copy" in ownership.judge(documents.storage).problem
            adopt(app)
            assert ownership.judge(documents.storage).problem == ""

    def test_anothers_is_taken_over_by_its_name_alone(self, app, another, adopt, rows):
        work(app)
        (row,) = rows(Installation)
        other = another()
        refused = adopt(other)
        assert (refused.exit_code, refused.stderr.count("\n")) == (1, 1)
        assert f"--instead-of {row.id}" in refused.stderr
        assert adopt(other, "--instead-of", str(row.id)).exit_code == 0
        with other.app_context():
            assert ownership.judge(documents.storage).problem == ""
        with app.app_context():
            assert "another installation" in ownership.judge(documents.storage).problem

    def test_an_owner_whose_storage_another_uses_too_removes_nothing_until_that_is_settled(
        self, app, another, adopt, rows
    ):
        work(app)
        other = another()
        lay_down(app, 3)
        work(other)  # it says in the storage that it is here
        work(app, after=LONG_AFTER)
        assert len(files_of(app)) == 3
        assert "is used by another installation" in doctor(app)["storage owner"]
        refused = adopt(app)
        with other.app_context():
            (name,) = db.session.scalars(db.select(Installation.id))
        assert f"--instead-of {name}" in refused.stderr
        assert adopt(app, "--instead-of", str(name)).exit_code == 0
        work(app, after=LONG_AFTER)
        assert files_of(app) == []

    def test_an_older_copy_that_works_beside_us_stops_our_sweeps_too(self, app, adopt):
        work(app)
        with app.app_context():
            documents.storage.write_note(SHARED, _marker(app) or b"")
            assert "older copy of this database, too" in ownership.judge(documents.storage).problem
            assert adopt(app).exit_code == 0
            assert ownership.judge(documents.storage).problem == ""


def test_a_file_that_is_lost_is_named_by_the_doctor_with_where_it_is(app, given):
    lost, trashed = given(DocumentFactory), given(DocumentFactory)
    with app.app_context():
        documents.storage.delete(lost.key)
        documents.storage.discard(trashed.key, "20261128T000000Z", now() + LONG_AFTER, lambda: False)
        for _ in range(5):
            db.session.add(DocumentFactory.build(sha256="0" * 64))
    found = doctor(app)["documents"]
    assert f"{lost.id} (nowhere)" in found
    assert f"{trashed.id} ({IN_TRASH})" in found
    assert "files of 2 documents" in found


def test_of_many_lost_files_the_first_five_are_named(app, given):
    lost = [given(DocumentFactory) for _ in range(7)]
    with app.app_context():
        for document in lost:
            documents.storage.delete(document.key)
    assert "and 2 more" in doctor(app)["documents"]


def test_the_doctor_looks_for_no_longer_than_it_may(app, given):
    document = given(DocumentFactory)
    with app.app_context():
        documents.storage.delete(document.key)
        assert list(Search(seconds=-1)) == []
        assert len(list(Search(seconds=30))) == 1


def test_a_storage_that_cannot_be_written_is_no_end_of_a_worker(app, capfd):
    folder = Path(app.config["STORAGE_URL"].removeprefix("file:"))
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_bytes(b"in the way")
    work(app)
    assert "housekeeping_failed" in capfd.readouterr().err


def _marker(app: Flask) -> bytes | None:
    with app.app_context():
        return documents.storage.read_note(MARKER)


def test_a_marker_that_cannot_be_written_leaves_the_former(app, monkeypatch):
    work(app)
    before = _marker(app)

    def fail(_descriptor):
        raise OSError("the disk is full")

    with monkeypatch.context() as patched, app.app_context():
        patched.setattr("os.fsync", fail)
        with pytest.raises(Unavailable):
            documents.storage.write_note(MARKER, b"another")
    assert _marker(app) == before
    folder = Path(app.config["STORAGE_URL"].removeprefix("file:"))
    assert [path.name for path in folder.iterdir()] == [".leadintake-owner"]
    with app.app_context():
        documents.storage.save("one.pdf", io.BytesIO(b"x"))()
    assert files_of(app) == ["one.pdf"]
