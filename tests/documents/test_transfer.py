"""Documents move between storages: each copy is checked, and whoever reads finds the file."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from leadintake.core.database import db
from leadintake.core.errors import Conflict, Unavailable
from leadintake.documents.entries import MARKER
from leadintake.documents.local import LocalFolder
from leadintake.documents.models import Document, KnownStorage
from leadintake.documents.ownership import ownership
from leadintake.documents.service import documents
from leadintake.documents.storage import whole_url
from leadintake.documents.sweep import find_missing
from leadintake.documents.transfer import Outcome, Transfer
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
        assert answer.exit_code == (1 if found["missing"] + found["damaged"] else 0), answer.output
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


def test_what_comes_while_it_runs_is_moved_too(app, given, source, target):
    given(DocumentFactory)
    with app.app_context():
        transfer = Transfer(source, target)
        assert transfer.prepare() == 1
        steps = transfer.run()
        assert next(steps).outcome is Outcome.COPIED
        given(DocumentFactory)
        assert [step.outcome for step in steps] == [Outcome.COPIED]


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
            assert {one.found for one in find_missing()} == {old}
        assert migrate(old, target) == {"copied": 2}
        assert {row.storage for row in rows(Document)} == {None}
        assert migrate(old, target) == {}
        shutil.rmtree(folder_of(old))
        assert downloads(app, [*stragglers, home]) == [PDF] * 3

    def test_what_is_nowhere_is_503_and_named(self, app, given, stragglers):
        with app.app_context():
            assert [one.found for one in find_missing()] == ["", ""]
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


def test_a_relative_folder_is_one_of_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert whole_url("file:uploads") == whole_url("file:///uploads").replace(
        "/uploads", f"{tmp_path}/uploads"
    )
    assert whole_url("s3://bucket/a/") == "s3://bucket/a"


class TestObjects:
    @pytest.fixture
    def target(self, monkeypatch):
        """A bucket."""
        with own_s3() as address:
            make_bucket(address, "resumes")
            for name, value in found_at(address).items():
                monkeypatch.setenv(name, value)
            yield "s3://resumes/new"

    def test_to_an_object_storage_and_back(self, app, given, migrate, source, target):
        made = [given(DocumentFactory) for _ in range(10)]
        assert migrate(source, target) == {"copied": 10}
        shutil.rmtree(folder_of(source))
        assert downloads(app, made) == [PDF] * 10
        with app.app_context():
            assert list(find_missing()) == []
            ownership.keep(lambda: False)
        assert migrate(target, source) == {"copied": 10}
        assert migrate(target, source) == {}
        assert len(files_of(app)) == 10
