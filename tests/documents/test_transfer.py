"""Documents move between storages: each copy is checked, and whoever reads finds the file."""

from __future__ import annotations

import errno
import io
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from leadintake.core.db.database import db
from leadintake.core.db.transaction import transaction
from leadintake.core.errors import Conflict, Unavailable
from leadintake.documents.missing import Search
from leadintake.documents.models import Document, KnownStorage
from leadintake.documents.ownership import ownership
from leadintake.documents.service import documents
from leadintake.documents.storage.entries import MARKER
from leadintake.documents.storage.local import LocalFolder
from leadintake.documents.transfer import Outcome, Transfer, is_same_storage
from tests.factories import DocumentFactory
from tests.support.client import PDF
from tests.support.leads import files_of
from tests.support.s3 import QUIET, found_at, make_bucket, own_s3

pytestmark = [pytest.mark.filterwarnings(warning) for warning in QUIET]


@pytest.fixture
def source(app) -> str:
    """The URL of the storage the application was set up with."""
    return app.config["STORAGE_URL"]


@pytest.fixture
def target(tmp_path) -> str:
    """The URL of another folder."""
    return f"file:{tmp_path / 'new'}"


@pytest.fixture
def migrate(app) -> Callable[..., dict[str, int]]:
    """Run `flask storage migrate`; how many documents came to which end."""

    def run(source: str, target: str) -> dict[str, int]:
        answer = app.test_cli_runner().invoke(args=["storage", "migrate", source, target, "--format", "json"])
        found = json.loads(answer.stdout)[0]
        assert answer.exit_code == (1 if found["missing"] + found["damaged"] + found["failed"] else 0), (
            answer.output
        )
        return {end: number for end, number in found.items() if number}

    return run


def folder_of(url: str) -> Path:
    """The folder of a storage."""
    return Path(url.removeprefix("file:"))


def downloads(app, given_documents) -> list[bytes]:
    """What whoever opens them reads."""
    with app.app_context():
        found = []
        for one in given_documents:
            document = db.session.get(Document, one.id)
            with documents.open(document) as stream:
                found.append(stream.read())
        return found


@pytest.mark.every_engine
def test_all_files_are_copied_their_rows_switched_and_a_second_run_copies_nothing(
    app, given, migrate, source, target, rows
):
    made = [given(DocumentFactory) for _ in range(20)]
    assert migrate(source, target) == {"copied": 20}
    assert {row.storage for row in rows(Document)} == {target}
    assert len(list(folder_of(target).glob("*.pdf"))) == len(files_of(app)) == 20  # the old ones stay
    assert migrate(source, target) == {}
    assert {row.url for row in rows(KnownStorage)} == {source, target}
    shutil.rmtree(folder_of(source))
    assert downloads(app, made) == [PDF] * 20


def test_back_again_finds_what_was_left_and_copies_nothing(app, given, migrate, source, target, rows):
    for _ in range(3):
        given(DocumentFactory)
    migrate(source, target)
    assert migrate(target, source) == {"there": 3}
    assert {row.storage for row in rows(Document)} == {None}


def test_a_run_that_was_cut_goes_on_where_it_was(app, given, migrate, source, target):
    made = [given(DocumentFactory) for _ in range(3)]
    whole, half = LocalFolder(str(folder_of(target))), folder_of(target) / f"{made[1].key}.part"
    whole.save(made[0].key, io.BytesIO(PDF))()
    half.write_bytes(PDF[:10])
    with app.app_context():
        ownership.renew(documents.stores.at(target))
    assert migrate(source, target) == {"copied": 2, "there": 1}
    assert not half.exists()


def test_a_copy_that_is_not_whole_is_made_again(app, given, migrate, source, target):
    document = given(DocumentFactory)
    with app.app_context():
        ownership.renew(documents.stores.at(target))
    (folder_of(target) / document.key).write_bytes(PDF[:10])
    assert migrate(source, target) == {"copied": 1}
    assert (folder_of(target) / document.key).read_bytes() == PDF


def test_what_is_damaged_or_missing_is_named_and_its_row_stays(app, given, migrate, source, target, rows):
    damaged, missing, whole = (given(DocumentFactory) for _ in range(3))
    (folder_of(source) / damaged.key).write_bytes(b"other bytes")
    (folder_of(source) / missing.key).unlink()
    assert migrate(source, target) == {"copied": 1, "missing": 1, "damaged": 1}
    assert {row.id: row.storage for row in rows(Document)} == {
        damaged.id: None,
        missing.id: None,
        whole.id: target,
    }
    assert [path.name for path in folder_of(target).glob("*.pdf")] == [whole.key]
    table = app.test_cli_runner().invoke(args=["storage", "migrate", source, target])
    assert table.exit_code == 1
    assert str(damaged.id) in table.stdout


def test_a_file_that_cannot_be_read_is_named_and_those_behind_it_are_moved(
    app, given, migrate, source, target, rows
):
    made = [given(DocumentFactory) for _ in range(12)]
    (folder_of(source) / made[1].key).unlink()
    (folder_of(source) / made[1].key).mkdir()
    with capture_logs() as logs:
        assert migrate(source, target) == {"copied": 11, "failed": 1}
    assert [row.id for row in rows(Document) if row.storage is None] == [made[1].id]
    named = [line["document"] for line in logs if line["event"] == "file_not_moved"]
    assert named == [str(made[1].id)]


def test_a_disk_that_fails_while_a_file_is_read_back_fails_that_file_only(
    app, given, migrate, source, target, monkeypatch
):
    made = [given(DocumentFactory) for _ in range(3)]
    found = LocalFolder.open

    class Broken(io.BytesIO):
        def read(self, size=-1):
            raise OSError(errno.EIO, "Input/output error")

    def broken(self, key):
        stream = found(self, key)
        return Broken() if (self.folder, key) == (folder_of(target), made[1].key) else stream

    monkeypatch.setattr(LocalFolder, "open", broken)
    assert migrate(source, target) == {"copied": 2, "failed": 1}


def test_a_storage_that_fails_ends_it_and_is_not_asked_for_every_file(
    app, given, source, target, monkeypatch
):
    for _ in range(40):
        given(DocumentFactory)
    asked = []

    def full(self, key, stream):
        asked.append(key)
        raise Unavailable("full")

    monkeypatch.setattr(LocalFolder, "save", full)
    answer = app.test_cli_runner().invoke(args=["storage", "migrate", source, target])
    assert (answer.exit_code, "one after the other" in answer.stderr) == (1, True)
    assert len(asked) < 20


def test_what_comes_while_it_runs_is_moved_too(app, given, source, target):
    given(DocumentFactory)
    with app.app_context():
        transfer = Transfer(source, target)
        assert transfer.prepare() == 1
        steps = transfer.run()
        assert next(steps).outcome is Outcome.COPIED
        given(DocumentFactory)
        assert [step.outcome for step in steps] == [Outcome.COPIED]


@pytest.mark.every_engine
def test_it_ends_while_people_go_on_submitting(app, given, source, target):
    given(DocumentFactory)
    with app.app_context():
        transfer = Transfer(source, target)
        transfer.prepare()
        number = 0
        for number, _ in enumerate(transfer.run(), 1):
            assert number < 10
            given(DocumentFactory)
        assert number == 2


class TestAfterTheSwitch:
    """STORAGE_URL names the new storage already, by an operator who did that first."""

    @pytest.fixture
    def settings(self, target):
        return {"STORAGE_URL": target}

    @pytest.fixture
    def old(self, tmp_path) -> str:
        return f"file:{tmp_path / 'old'}"

    @pytest.fixture
    def stragglers(self, app, given, old) -> list[Document]:
        """Documents whose row names no storage, and whose file is in the old one."""
        made = [given(DocumentFactory) for _ in range(2)]
        folder_of(old).mkdir()
        for document in made:
            shutil.move(folder_of(app.config["STORAGE_URL"]) / document.key, folder_of(old))
        return made

    def test_they_are_found_in_the_old_one_and_come_home(
        self, app, given, migrate, target, old, stragglers, rows
    ):
        home = given(DocumentFactory)
        with app.app_context():
            ownership.remember(old)
        assert downloads(app, [*stragglers, home]) == [PDF] * 3
        with app.app_context():
            assert {one.location for one in Search()} == {old}
        assert migrate(old, target) == {"copied": 2}
        assert {row.storage for row in rows(Document)} == {None}
        assert migrate(old, target) == {}
        shutil.rmtree(folder_of(old))
        assert downloads(app, [*stragglers, home]) == [PDF] * 3

    def test_what_is_nowhere_is_503_and_named(self, app, given, stragglers):
        with app.app_context():
            assert [one.location for one in Search()] == ["", ""]
        with pytest.raises(Unavailable):
            downloads(app, stragglers)


def test_a_storage_that_is_away_is_not_the_end_where_another_has_the_file(
    app, given, migrate, source, target
):
    made = [given(DocumentFactory)]
    migrate(source, target)
    shutil.rmtree(folder_of(target))
    folder_of(target).write_bytes(b"in the way")
    assert downloads(app, made) == [PDF]
    shutil.rmtree(folder_of(source))
    with pytest.raises(Unavailable, match="does not answer"):
        downloads(app, made)


def test_a_storage_of_another_is_no_target(app, given, source, target):
    given(DocumentFactory)
    with app.app_context():
        marker = (
            b'{"installation":"01890000-0000-7000-8000-000000000000","epoch":1,"at":"2026-01-01T00:00:00Z"}'
        )
        documents.stores.at(target).write_note(MARKER, marker)
        with pytest.raises(Conflict, match="belongs to another"):
            Transfer(source, target).prepare()


def test_a_storage_is_not_moved_to_itself(app, source):
    answer = app.test_cli_runner().invoke(args=["storage", "migrate", source, source])
    assert (answer.exit_code, "same storage" in answer.stderr) == (1, True)


def link_to(source: str, tmp_path: Path) -> str:
    (tmp_path / "link").symlink_to(folder_of(source))
    return f"file:{tmp_path / 'link'}"


def dots_to(source: str, tmp_path: Path) -> str:
    (tmp_path / "beside").mkdir()
    return f"file:{tmp_path / 'beside'}/../{os.path.relpath(folder_of(source), tmp_path)}"


@pytest.mark.parametrize("spell", [link_to, dots_to])
def test_a_storage_is_not_moved_to_another_name_of_itself(app, given, source, tmp_path, spell, rows):
    made = [given(DocumentFactory) for _ in range(2)]
    (folder_of(source) / made[0].key).write_bytes(b"damaged, but all there is")
    before = {path.name: path.read_bytes() for path in folder_of(source).iterdir()}
    answer = app.test_cli_runner().invoke(
        args=["storage", "migrate", source, spell(source, tmp_path), "--format", "json"]
    )
    assert (answer.exit_code, "same storage" in answer.stderr) == (1, True)
    assert {path.name: path.read_bytes() for path in folder_of(source).iterdir()} == before
    assert {row.storage for row in rows(Document)} == {None}


def test_a_folder_that_is_mounted_twice_is_not_moved_onto_itself(
    app, given, source, target, rows, monkeypatch
):
    given(DocumentFactory)
    with app.app_context():
        storage = documents.stores.at(source)
        monkeypatch.setattr(type(documents.stores), "at", lambda *_: storage)
        with pytest.raises(Conflict, match="same storage"):
            Transfer(source, target).prepare()
    assert {row.storage for row in rows(Document)} == {None}


def test_two_storages_are_one_where_what_is_written_to_one_is_in_the_other(app, given, tmp_path):
    """As for a folder that is mounted twice, which no path shows."""
    one, alias, another = (LocalFolder(str(tmp_path / name)) for name in ("one", "one", "another"))
    assert is_same_storage(one, alias)
    assert not is_same_storage(one, another)
    assert not is_same_storage(LocalFolder(str(tmp_path / "nowhere")), another)
    assert [*(tmp_path / "one").iterdir(), *(tmp_path / "another").iterdir()] == []


def test_what_was_there_before_is_not_deleted_with_a_damaged_copy(app, given, migrate, source, target):
    document = given(DocumentFactory)
    with app.app_context():
        ownership.renew(documents.stores.at(target))
    (folder_of(source) / document.key).write_bytes(b"other bytes")
    (folder_of(target) / document.key).write_bytes(b"what was there")
    assert migrate(source, target) == {"damaged": 1}
    assert (folder_of(target) / document.key).read_bytes() == b"what was there"


def test_a_folder_that_is_not_there_is_named_and_not_made(app, given, tmp_path, target):
    given(DocumentFactory)
    wrong = f"file:{tmp_path / 'uploadz'}"
    answer = app.test_cli_runner().invoke(args=["storage", "migrate", wrong, target])
    assert (answer.exit_code, f"no files at {wrong}" in answer.stderr) == (1, True)
    assert not folder_of(wrong).exists()
    assert not folder_of(target).exists()


def test_between_two_others_only_rows_that_name_the_first_are_moved(
    app, given, migrate, source, target, tmp_path
):
    named, unnamed = given(DocumentFactory), given(DocumentFactory)
    migrate(source, target)
    later = given(DocumentFactory)
    third = f"file:{tmp_path / 'third'}"
    assert migrate(target, third) == {"copied": 2}
    assert downloads(app, [named, unnamed, later]) == [PDF] * 3


def test_a_relative_folder_starts_where_that_of_the_setting_does(
    app, given, monkeypatch, migrate, source, rows
):
    given(DocumentFactory)
    relative = os.path.relpath(folder_of(source), app.config["INSTANCE_PATH"])
    monkeypatch.chdir("/")
    assert migrate(f"file:{relative}", "file:elsewhere") == {"copied": 1}
    assert {row.storage for row in rows(Document)} == {f"file:{app.config['INSTANCE_PATH']}/elsewhere"}


def test_rows_that_name_a_storage_by_another_spelling_are_moved(
    app, given, migrate, source, target, tmp_path, rows
):
    """As versions did that followed no links."""
    given(DocumentFactory)
    migrate(source, target)
    old = link_to(target, tmp_path)
    with app.app_context(), transaction():
        for row in db.session.scalars(sa.select(Document)):
            row.storage = old
        db.session.add(KnownStorage(url=old))
    assert migrate(old, f"file:{tmp_path / 'third'}") == {"copied": 1}


def test_files_that_no_document_looks_for_there_are_no_success(app, given, source, target, migrate, tmp_path):
    given(DocumentFactory)
    migrate(source, target)
    copy = f"file:{tmp_path / 'copy'}"
    shutil.copytree(folder_of(target), folder_of(copy))
    answer = app.test_cli_runner().invoke(
        args=["storage", "migrate", copy, f"file:{tmp_path / 'third'}", "--format", "json"]
    )
    assert answer.exit_code == 1
    assert copy in answer.stderr
    assert target in answer.stderr


class TestObjects:
    @pytest.fixture
    def target(self, monkeypatch):
        """A bucket."""
        with own_s3() as address:
            make_bucket(address, "resumes")
            for name, value in found_at(address).items():
                monkeypatch.setenv(name, value)
            yield "s3://resumes/new"

    def test_an_empty_file_is_damaged_and_the_others_are_moved(self, app, given, migrate, source, target):
        made = [given(DocumentFactory) for _ in range(3)]
        (folder_of(source) / made[0].key).write_bytes(b"")
        assert migrate(source, target) == {"copied": 2, "damaged": 1}

    def test_to_an_object_storage_and_back(self, app, given, migrate, source, target):
        made = [given(DocumentFactory) for _ in range(10)]
        assert migrate(source, target) == {"copied": 10}
        shutil.rmtree(folder_of(source))
        assert downloads(app, made) == [PDF] * 10
        with app.app_context():
            assert list(Search()) == []
            ownership.maintain(lambda: False)
        assert migrate(target, source) == {"copied": 10}
        assert migrate(target, source) == {}
        assert len(files_of(app)) == 10
