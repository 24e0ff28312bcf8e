"""The sweep clears away what a crash left, to the trash, and refuses what no crash leaves."""

from __future__ import annotations

import io
import json
import os
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine

from leadintake.core import chores
from leadintake.core.clock import now
from leadintake.core.db.database import db, read_only
from leadintake.core.db.transaction import transaction
from leadintake.documents import SWEEP_DELAY
from leadintake.documents import sweep as sweeping
from leadintake.documents.installation import read_sweep_refusal
from leadintake.documents.missing import DAMAGED, IN_TRASH, Search
from leadintake.documents.models import Document, Installation
from leadintake.documents.ownership import ownership
from leadintake.documents.service import documents
from leadintake.documents.sweep import AGE, MAX_UNASKED
from leadintake.documents.trash import TRASH_AGE
from tests.factories import DocumentFactory, LeadFactory
from tests.support.client import PDF
from tests.support.leads import files_of

TOMORROW = AGE + timedelta(minutes=1)


@pytest.fixture
def leave(app) -> Callable[..., None]:
    """Leave files that no row owns."""

    def save(*names: str) -> None:
        with app.app_context():
            for name in names:
                documents.storage.save(name, io.BytesIO(b"x"))()

    return save


@pytest.fixture
def command(app) -> Callable[..., object]:
    """Run `flask storage …`, tomorrow."""

    def run(*arguments: str):
        with time_machine.travel(now() + TOMORROW, tick=True):
            return app.test_cli_runner().invoke(args=["storage", *arguments])

    return run


@pytest.fixture
def tomorrow(app):
    """Be there: the files of today are a day old, and the storage is ours."""
    with app.app_context():
        ownership.maintain(lambda: False)
        with time_machine.travel(now() + TOMORROW, tick=True) as clock:
            yield clock


def trash_of(app) -> list[str]:
    """The names of what is in the trash."""
    with app.app_context():
        return [found.key for found in documents.storage.trash()]


def rows_of(answer) -> set[tuple[str, str]]:
    """What a command listed."""
    return {(row["file"], row["what"]) for row in json.loads(answer.stdout)}


def test_a_sweep_moves_what_nobody_owns_to_the_trash_and_nothing_else(app, given, leave, command):
    owned = [given(DocumentFactory).key, given(LeadFactory, "deleted").resume.key]
    owned += [given(DocumentFactory).key for _ in range(16)]
    leave("orphan.pdf", "half.pdf.part")
    answer = command("sweep", "--really", "--format", "json")
    assert answer.exit_code == 0, answer.output
    moved = "moved to the trash"
    assert rows_of(answer) == {("orphan.pdf", moved), ("half.pdf.part", moved)}
    assert files_of(app) == sorted(owned)
    assert trash_of(app) == ["half.pdf.part", "orphan.pdf"]
    assert "Every file has its owner" in command("sweep").output


def test_a_sweep_by_hand_moves_nothing_and_prints_a_sum_and_the_first_twenty(app, given, leave, command):
    given(DocumentFactory)
    with app.app_context():
        ownership.maintain(lambda: False)
    leave(*(f"orphan{number:02}.pdf" for number in range(30)))
    answer = command("sweep")
    assert answer.exit_code == 0, answer.output
    assert answer.stdout.count("without a row") == 20 + 1
    assert "31 files: 30 without a row (30 would be moved by --really), 0 young ones" in answer.stdout
    assert len(files_of(app)) == 31
    assert trash_of(app) == []


def test_young_files_are_left_and_counted(app, leave):
    with app.app_context():
        ownership.maintain(lambda: False)
    leave("young.pdf")
    answer = app.test_cli_runner().invoke(args=["storage", "sweep", "--really"])
    assert "1 young ones left for later" in answer.stdout
    assert files_of(app) == ["young.pdf"]


def test_a_sweep_reports_missing_files_of_deleted_documents_too(app, given, command):
    kept, lost, deleted = given(LeadFactory), given(LeadFactory), given(LeadFactory, "deleted")
    with app.app_context():
        documents.storage.delete(lost.resume.key)
        documents.storage.delete(deleted.resume.key)
    answer = command("sweep", "--format", "json")
    assert answer.exit_code == 1
    assert rows_of(answer) == {(str(lost.resume_id), "missing"), (str(deleted.resume_id), "missing")}
    assert str(kept.resume_id) not in answer.output


@pytest.mark.every_engine
def test_a_sweep_leaves_the_file_of_a_transaction_that_has_not_ended(app, tomorrow):
    kept, swept = threading.Event(), threading.Event()

    def upload() -> None:
        with app.app_context(), transaction():
            stream = io.BytesIO(PDF)
            document = documents.keep(documents.judge("resume.pdf", stream), stream)
            db.session.add(document)
            kept.set()  # not flushed: on SQLite a writer would hold up nobody who only reads
            assert swept.wait(20)

    uploader = threading.Thread(target=upload)
    uploader.start()
    assert kept.wait(20)
    tomorrow.shift(TOMORROW)
    during = sweeping.sweep(really=True)
    swept.set()
    uploader.join()
    assert (during.orphans.number, during.moved) == (1, [])
    assert sweeping.sweep(really=True).orphans.number == 0
    assert len(files_of(app)) == 1


@pytest.mark.every_engine
def test_a_sweep_that_waited_for_a_transaction_sees_what_it_committed(app, tomorrow):
    """The row is committed after the sweep began to read and before it asks about the file."""
    with read_only():
        db.session.scalars(db.select(Document)).all()  # the sweep's own snapshot begins here

        def upload() -> None:
            with app.app_context(), transaction():
                stream = io.BytesIO(PDF)
                db.session.add(documents.keep(documents.judge("resume.pdf", stream), stream))

        uploader = threading.Thread(target=upload)
        uploader.start()
        uploader.join()
        tomorrow.shift(TOMORROW)
        assert sweeping.sweep().moved == []
        assert list(Search()) == []
    assert len(files_of(app)) == 1


def test_a_file_that_a_power_cut_left_empty_is_named(app, given, command):
    damaged, whole = given(DocumentFactory), given(DocumentFactory)
    folder = Path(app.config["STORAGE_URL"].removeprefix("file:"))
    (folder / damaged.key).write_bytes(b"")
    (folder / whole.key).rename(folder.parent / "moved.pdf")
    (folder / whole.key).symlink_to(folder.parent / "moved.pdf")
    with app.app_context():
        assert list(Search()) == [(damaged.id, DAMAGED)]
    answer = command("sweep", "--format", "json")
    assert answer.exit_code == 1
    assert {"file": str(damaged.id), "what": DAMAGED} in json.loads(answer.stdout)


def test_a_file_that_arrived_after_the_sweep_looked_is_not_missing(app, given, monkeypatch):
    given(LeadFactory)
    with app.app_context():
        monkeypatch.setattr(type(documents.storage), "names", lambda _storage: iter(()))
        assert list(Search()) == []


def test_a_sweep_leaves_a_file_whose_row_came_while_it_looked(app, given, tomorrow, monkeypatch):
    document = given(DocumentFactory)
    tomorrow.shift(TOMORROW)
    ask, looks = documents.find_owned_keys, []

    def ask_too_early(keys):
        looks.append(keys)
        return set() if len(looks) == 1 else ask(keys)

    monkeypatch.setattr(documents, "find_owned_keys", ask_too_early)
    done = sweeping.sweep()
    assert (done.orphans.keys, done.moved) == ([document.key], [])
    assert files_of(app) == [document.key]


class TestTooMany:
    """More orphans than ten and five in a hundred within a day: the database is wrong, not the files."""

    @pytest.fixture
    def orphans(self, leave) -> Callable[[int], None]:
        """Leave so many more."""
        made = iter(range(10**6))
        return lambda number: leave(*(f"orphan{next(made):03}.pdf" for _ in range(number)))

    def test_ten_are_moved(self, app, tomorrow, orphans):
        orphans(MAX_UNASKED)
        tomorrow.shift(TOMORROW)
        assert len(sweeping.sweep().moved) == MAX_UNASKED
        assert read_sweep_refusal() == ""

    def test_eleven_are_left_said_and_counted(self, app, tomorrow, orphans, rows, capfd):
        orphans(MAX_UNASKED + 1)
        tomorrow.shift(TOMORROW)
        done = sweeping.sweep_daily(lambda: False)
        assert (done["number"], trash_of(app)) == (0, [])
        assert "11 of 11 files have no row" in str(done["refused"])
        assert "sweep_refused" in capfd.readouterr().err
        assert read_sweep_refusal() == done["refused"]
        (row,) = rows(Installation)
        assert (row.sweeps_refused, row.sweep_refused_at is not None) == (1, True)

    def test_five_in_a_hundred_are_moved_and_not_one_more(self, app, tomorrow, orphans, monkeypatch):
        orphans(19 + 361)
        known = [f"orphan{number:03}.pdf" for number in range(19, 380)]
        monkeypatch.setattr(documents, "find_owned_keys", lambda keys: set(keys) & set(known))
        tomorrow.shift(TOMORROW)
        assert len(sweeping.sweep().moved) == 19  # of 380
        tomorrow.shift(TOMORROW)
        orphans(20)
        assert "20 of 381" in sweeping.sweep().refusal

    def test_what_was_moved_within_a_day_counts_too(self, app, tomorrow, orphans):
        orphans(6)
        tomorrow.shift(TOMORROW)
        assert len(sweeping.sweep().moved) == 6
        orphans(5)
        for name in files_of(app):
            _age(app, name)
        assert "6 were moved within a day" in sweeping.sweep().refusal
        tomorrow.shift(TOMORROW)
        assert len(sweeping.sweep().moved) == 5
        assert read_sweep_refusal() == ""

    def test_an_operator_moves_them_all_which_counts_for_no_other_sweep(self, app, tomorrow, orphans):
        orphans(MAX_UNASKED + 1)
        tomorrow.shift(TOMORROW)
        assert sweeping.sweep().refusal
        assert len(sweeping.sweep(really=True).moved) == MAX_UNASKED + 1
        assert read_sweep_refusal() == ""
        orphans(1)
        _age(app, *files_of(app))
        assert len(sweeping.sweep().moved) == 1

    def test_nothing_is_moved_once_told_to_stop(self, app, tomorrow, orphans):
        orphans(2)
        tomorrow.shift(TOMORROW)
        asked = iter([False, False, True])
        assert sweeping.sweep(lambda: next(asked)).moved == []
        asked = iter([False, False, False, False, True])
        assert len(sweeping.sweep(lambda: next(asked)).moved) == 1


def _age(app, *names: str) -> None:
    """Make files as old as none is swept before."""
    folder = Path(app.config["STORAGE_URL"].removeprefix("file:"))
    then = (now() - TOMORROW).timestamp()
    for name in names:
        os.utime(folder / name, (then, then))


class TestTrash:
    def test_a_file_comes_back_and_is_young_again(self, app, tomorrow, leave, command):
        leave("one.pdf", "two.pdf")
        tomorrow.shift(TOMORROW)
        assert len(sweeping.sweep().moved) == 2
        run = app.test_cli_runner().invoke
        listed = run(args=["storage", "restore"]).stdout
        assert listed.count("in the trash") == 2
        assert "restored" in run(args=["storage", "restore", "one.pdf"]).stdout
        assert (files_of(app), trash_of(app)) == (["one.pdf"], ["two.pdf"])
        assert sweeping.sweep().moved == []
        leave("two.pdf")
        assert "there already" in run(args=["storage", "restore", "--all"]).stdout
        unknown = run(args=["storage", "restore", "three.pdf"])
        assert (unknown.exit_code, "three.pdf" in unknown.stderr) == (1, True)

    @pytest.mark.parametrize("renewed", [False, True], ids=["before a renewal", "after it"])
    def test_a_clock_that_jumps_ahead_erases_nothing_for_a_day(self, app, tomorrow, leave, renewed):
        leave("one.pdf")
        tomorrow.shift(TOMORROW)
        sweeping.sweep_daily(lambda: False)
        tomorrow.shift(TRASH_AGE * 2)
        if renewed:
            ownership.maintain(lambda: False)
        assert sweeping.sweep_daily(lambda: False)["erased"] == 0
        ownership.maintain(lambda: False)
        tomorrow.shift(timedelta(hours=25))
        ownership.maintain(lambda: False)
        assert sweeping.sweep_daily(lambda: False)["erased"] == 1

    def test_it_is_erased_after_thirty_days_and_not_before(self, app, tomorrow, leave):
        leave("one.pdf")
        tomorrow.shift(TOMORROW)
        sweeping.sweep_daily(lambda: False)
        tomorrow.shift(TRASH_AGE - timedelta(hours=36))
        ownership.maintain(lambda: False)
        tomorrow.shift(timedelta(hours=36, minutes=-1))
        assert sweeping.sweep_daily(lambda: False)["erased"] == 0
        assert trash_of(app) == ["one.pdf"]
        tomorrow.shift(timedelta(minutes=2))
        assert sweeping.sweep_daily(lambda: True)["erased"] == 0
        assert sweeping.sweep_daily(lambda: False)["erased"] == 1
        assert trash_of(app) == []
        folder = Path(app.config["STORAGE_URL"].removeprefix("file:")) / "trash"
        assert list(folder.iterdir()) == []

    def test_a_file_that_a_row_owns_by_then_is_brought_back(self, app, given, tomorrow):
        document = given(DocumentFactory)
        with transaction():
            documents.storage.discard(document.key, "20260101T000000Z", now() + AGE, lambda: False)
        assert [missing.location for missing in Search()] == [IN_TRASH]
        assert sweeping.sweep_daily(lambda: False)["restored"] == 1
        assert files_of(app) == [document.key]

    def test_what_lies_there_by_another_hand_is_left(self, app, tomorrow):
        folder = Path(app.config["STORAGE_URL"].removeprefix("file:"))
        (folder / "trash" / "mine").mkdir(parents=True)
        (folder / "trash" / "mine" / "letter.pdf").write_bytes(b"x")
        assert trash_of(app) == []


def test_a_worker_sweeps_ten_minutes_after_its_start_and_then_daily(app, monkeypatch):
    swept, when = [], {}
    app.extensions["leadintake.chores"] = [
        (name, lambda _stop: swept.append(second), every, wait)
        for name, _, every, wait in app.extensions["leadintake.chores"]
        if name == "sweep"
    ]
    for second in (0, 30, 599, 601, 700, 86_000, 87_002):
        monkeypatch.setattr(chores.time, "monotonic", lambda second=second: 5000 + second)
        chores.run_due(app, lambda: False, when)
    assert timedelta(minutes=10) == SWEEP_DELAY
    assert swept == [601, 87_002]


def test_the_daily_sweep_names_what_is_missing(app, given, tomorrow, capfd):
    lead = given(LeadFactory)
    documents.storage.delete(lead.resume.key)
    assert sweeping.sweep_daily(lambda: False)["missing"] == 1
    said = capfd.readouterr().err
    assert "files_missing" in said
    assert str(lead.resume_id) in said


@pytest.fixture
def odd(app, leave) -> Path:
    """The folder, with what an operator or another program may have left in it and in the trash."""
    leave("orphan.pdf")
    folder = Path(app.config["STORAGE_URL"].removeprefix("file:"))
    batch = folder / "trash" / "20260101T000000Z"
    batch.mkdir(parents=True)
    for place in (folder, batch):
        (place / "loop").symlink_to("loop")
        (place / "away").symlink_to("/nowhere")
        Path(os.fsdecode(bytes(place) + b"/R\xe9sum\xe9.pdf")).write_bytes(b"x")
        (place / "R\N{LATIN SMALL LETTER E WITH ACUTE}sum.pdf").write_bytes(b"x")
    (folder / "trash" / "20260102T000000Z").write_bytes(b"no folder")
    return folder


def test_names_that_we_never_give_are_counted_and_left(odd, command, app):
    assert command("adopt").stdout.startswith("The storage is this installation's. 1 of 1 files")
    answer = command("sweep")
    assert answer.exit_code == 0, answer.output
    assert "4 others have names we never give" in answer.stdout
    with app.app_context(), time_machine.travel(now() + TOMORROW, tick=True):
        result = sweeping.sweep_daily(lambda: False)
    assert (result["moved"], result["unknown"], result["erased"]) == (["orphan.pdf"], 4, 0)
    assert len(list(odd.iterdir())) == 6  # the trash and the marker, too


def test_a_file_that_cannot_be_moved_keeps_no_other_back(leave, app, monkeypatch, tomorrow):
    leave("a.pdf", "b.pdf")
    rename = Path.rename

    def fails_once(self, target):
        if self.name == "a.pdf":
            raise PermissionError(1, "Operation not permitted")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fails_once)
    with time_machine.travel(now() + TOMORROW, tick=True):
        assert sweeping.sweep().moved == ["b.pdf"]


def test_a_folder_that_cannot_be_listed_is_a_sentence_and_adopts_nothing(command, leave, rows, monkeypatch):
    leave("a.pdf")

    def fails(*_arguments):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "scandir", fails)
    for act in ("sweep", "adopt"):
        answer = command(act)
        assert (answer.exit_code, "Error: The file storage" in answer.stderr) == (1, True), answer.output
    assert not any(row.epoch for row in rows(Installation))
