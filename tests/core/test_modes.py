"""What is written is for our own user alone, whatever the umask and whoever made it before."""

from __future__ import annotations

import io
import os
import sqlite3
import stat
from datetime import timedelta

import pytest

from leadintake import create_app
from leadintake.core import modes
from leadintake.core.clock import now
from leadintake.core.db.database import db
from leadintake.documents.storage.entries import MARKER
from leadintake.documents.storage.local import LocalFolder
from tests.support.outbox import deliver

UMASKS = (0o000, 0o022, 0o077, 0o027)


@pytest.fixture(params=UMASKS, ids=oct)
def umask(request):
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode_of(path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.mark.usefixtures("umask")
def test_folders_that_are_made_are_ours_alone_and_named_for_those_who_sync(tmp_path):
    deep = tmp_path / "a" / "b" / "c"
    assert modes.make_private_folder(deep) == [tmp_path, tmp_path / "a", tmp_path / "a" / "b"]
    assert {mode_of(one) for one in (deep, deep.parent, deep.parent.parent)} == {0o700}
    assert modes.make_private_folder(deep) == []


@pytest.mark.usefixtures("umask")
def test_a_file_that_is_written_is_ours_alone_even_where_it_was_open(tmp_path):
    fresh, old = tmp_path / "fresh", tmp_path / "old"
    old.write_text("before, and longer")
    old.chmod(0o666)
    for path in (fresh, old):
        modes.write_private(path, b"now")
        assert (path.read_bytes(), mode_of(path)) == (b"now", 0o600)


def test_no_file_is_written_through_a_link(tmp_path):
    target = tmp_path / "elsewhere"
    (tmp_path / "link").symlink_to(target)
    with pytest.raises(OSError, match="symbolic"):
        modes.write_private(tmp_path / "link", b"x")
    assert not target.exists()


@pytest.mark.parametrize("mode", [0o777, 0o755, 0o770, 0o701, 0o2775])
def test_a_folder_somebody_made_wider_is_tightened(tmp_path, mode):
    folder = tmp_path / "uploads"
    folder.mkdir()
    (folder / "ours").touch()
    folder.chmod(mode)
    modes.make_private_folder(folder)
    assert mode_of(folder) & 0o777 == 0o700


def test_a_folder_that_is_everybodys_by_design_is_left(tmp_path):
    tmp_path.chmod(0o1777)
    modes.make_private_folder(tmp_path)
    assert mode_of(tmp_path) == 0o1777


def test_a_folder_in_which_somebody_else_has_something_is_left_but_for_a_volumes_own(tmp_path, monkeypatch):
    (tmp_path / "theirs").touch()
    tmp_path.chmod(0o755)
    uid = os.geteuid()
    real = os.scandir

    class Entry:
        def __init__(self, entry):
            self.name, self.entry = entry.name, entry

        def stat(self, **_how):
            found = list(self.entry.stat())
            found[4] = uid + 1
            return os.stat_result(found)

    class Entries:
        def __init__(self, folder):
            self.found = real(folder)

        def __enter__(self):
            return [Entry(entry) for entry in self.found]

        def __exit__(self, *_how):
            self.found.close()

    monkeypatch.setattr(os, "scandir", Entries)
    modes.make_private_folder(tmp_path)
    assert mode_of(tmp_path) == 0o755
    (tmp_path / "theirs").rename(tmp_path / "lost+found")
    modes.make_private_folder(tmp_path)
    assert mode_of(tmp_path) == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_what_a_command_of_root_makes_belongs_to_the_owner_of_the_folder(tmp_path):
    service = 54321
    folder = LocalFolder(str(tmp_path / "uploads"))
    folder.folder.mkdir()
    os.chown(folder.folder, service, service)
    folder.save("a.pdf", io.BytesIO(b"x"))()
    folder.save("b.pdf", io.BytesIO(b"x"))()
    folder.write_note(MARKER, b"x")
    assert folder.discard("b.pdf", "20260101T000000Z", now() + timedelta(minutes=1), lambda: False)
    made = [*folder.folder.rglob("*")]
    assert len(made) == 5
    assert {(path.stat().st_uid, path.stat().st_gid) for path in made} == {(service, service)}


def test_what_goes_while_a_folder_is_looked_at_is_nobodys(tmp_path, monkeypatch):
    (tmp_path / "part").touch()
    tmp_path.chmod(0o777)
    real = os.scandir

    class Entries:
        def __init__(self, folder):
            with real(folder) as found:
                self.found = [*found]
            (tmp_path / "part").unlink()

        def __enter__(self):
            return self.found

        def __exit__(self, *_how):
            pass

    monkeypatch.setattr(os, "scandir", Entries)
    modes.make_private_folder(tmp_path)
    assert mode_of(tmp_path) == 0o700


@pytest.mark.parametrize("mode", [0o644, 0o666, 0o640, 0o604, 0o444])
def test_a_file_that_was_there_keeps_what_its_owner_may(tmp_path, mode):
    path = tmp_path / "file"
    path.touch()
    path.chmod(mode)
    modes.tighten_file(path)
    assert mode_of(path) == mode & 0o700
    modes.tighten_file(tmp_path / "missing")


def test_what_a_link_leads_to_is_not_tightened_by_its_name(tmp_path):
    target = tmp_path / "target"
    target.touch()
    target.chmod(0o644)
    (tmp_path / "link").symlink_to(target)
    modes.tighten_file(tmp_path / "link")
    assert mode_of(target) == 0o644


@pytest.mark.parametrize("journal", ["wal", "delete"])
@pytest.mark.usefixtures("umask")
def test_an_embedded_database_is_ours_alone_with_all_that_sqlite_keeps_beside_it(tmp_path, journal):
    app = create_app(
        INSTANCE_PATH=str(tmp_path / "i"),
        DATABASE_URL=f"sqlite:///{tmp_path}/data.sqlite3",
        WORKER="external",
    )
    with app.app_context():
        with db.engine.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS one (it TEXT)")
        with db.engine.connect() as connection:
            connection.connection.driver_connection.execute(f"PRAGMA journal_mode={journal}")
        with db.engine.begin() as connection, reading_false():
            connection.exec_driver_sql("INSERT INTO one VALUES ('x')")
            kept = sorted(tmp_path.glob("data.sqlite3*"))
            assert {path.name: oct(mode_of(path)) for path in kept} == {path.name: "0o600" for path in kept}
            assert len(kept) == (3 if journal == "wal" else 2)
        db.engine.dispose()


def reading_false():
    from leadintake.core.db.database import read_only

    return read_only(False)


def test_a_database_an_earlier_version_left_open_is_tightened(tmp_path):
    path = tmp_path / "data.sqlite3"
    left = sqlite3.connect(path)
    left.execute("PRAGMA journal_mode=WAL")
    left.execute("CREATE TABLE one (it TEXT)")
    kept = sorted(tmp_path.glob("data.sqlite3*"))
    for one in kept:
        one.chmod(0o644)
    app = create_app(INSTANCE_PATH=str(tmp_path / "i"), DATABASE_URL=f"sqlite:///{path}", WORKER="external")
    with app.app_context():
        db.session.execute(db.text("SELECT * FROM one"))
        db.session.remove()
        db.engine.dispose()
    assert len(kept) == 3
    assert {mode_of(one) for one in kept} == {0o600}
    left.close()


def test_uploads_and_mails_that_were_open_are_tightened(app, client, given):
    from tests.factories import NotificationFactory, UserFactory

    given(UserFactory)
    assert client.submit().status_code == 201
    deliver(app)
    instance = app.extensions["leadintake.channels"]["mail"].folder.parent
    (upload,) = (instance / "uploads").iterdir()
    mail = next((instance / "mail").glob("*.eml"))
    for path in (upload, mail):
        path.chmod(0o644)
    with app.app_context():
        assert [entry.key for entry in app.extensions["leadintake.storage"].entries()] == [upload.name]
    assert mode_of(upload) == 0o600
    again = create_app(
        INSTANCE_PATH=str(instance), DATABASE_URL=app.config["DATABASE_URL"], WORKER="external"
    )
    with again.app_context():
        given(NotificationFactory)
        assert deliver(again) == 1
        db.engine.dispose()
    assert mode_of(mail) == 0o600
    secret = instance / "secret_key"
    secret.chmod(0o644)
    create_app(INSTANCE_PATH=str(instance), WORKER="external")
    assert mode_of(secret) == 0o600


def test_the_doctor_names_what_is_open_and_not_ours_to_close(app):
    folder = app.extensions["leadintake.channels"]["mail"].folder
    folder.mkdir()
    folder.chmod(0o1777)
    answer = app.test_cli_runner().invoke(args=["doctor", "--format", "json"])
    assert answer.exit_code == 1
    assert f"{folder} is open to others on this machine (mode 1777). Run: chmod 700 {folder}" in answer.stdout
    folder.chmod(0o777)
    app.test_cli_runner().invoke(args=["doctor"])
    assert mode_of(folder) == 0o700
