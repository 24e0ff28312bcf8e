"""Files in a folder: durable before they are acknowledged, gone when they are not."""

from __future__ import annotations

import errno
import fcntl
import io
import os
import shutil
import stat
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import event

from leadintake.core import processes
from leadintake.core.clock import now
from leadintake.core.db.database import db
from leadintake.core.errors import Unavailable
from leadintake.documents.models import Document
from leadintake.documents.storage.local import LocalFolder
from leadintake.leads.models import Lead
from leadintake.notifications.models import Notification
from tests.factories import UserFactory

KEY = "01890000-0000-7000-8000-000000000000.pdf"
BATCH = "20261128T120000Z"


@pytest.fixture
def folder(tmp_path) -> LocalFolder:
    return LocalFolder(str(tmp_path / "made" / "when-needed"))


def never() -> bool:
    return False


def discard(folder: LocalFolder, key: str, owned, *, before=None) -> bool:
    """Move a file to the trash, however young."""
    return folder.discard(key, BATCH, before or now() + timedelta(minutes=1), owned)


def full_disk(*_arguments, **_options):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_bytes_come_back_as_they_were_given(folder):
    content = os.urandom(300_000)
    folder.save(KEY, io.BytesIO(content))()
    with folder.open(KEY) as stream:
        assert stream.read() == content
        assert stream.seekable()
    assert list(folder.names()) == [KEY]


def test_a_file_is_readable_by_its_owner_alone(folder):
    folder.save(KEY, io.BytesIO(b"x"))()
    assert stat.S_IMODE((folder.folder / KEY).stat().st_mode) == 0o600


def test_a_file_is_synced_then_named_then_its_folder_synced_and_only_then_committed(client, app, monkeypatch):
    happened: list[str] = []
    sync, rename = os.fsync, Path.rename

    def fsync(descriptor):
        happened.append(f"sync {Path(f'/proc/self/fd/{descriptor}').readlink().suffix or 'folder'}")
        return sync(descriptor)

    def renamed(self, target):
        if self.parent.name == "uploads":  # others note who runs here, beside the first request
            happened.append(f"rename {self.suffix} to {Path(target).suffix}")
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "rename", renamed)
    with app.app_context():
        event.listen(db.engine, "commit", lambda _connection: happened.append("commit"))
    assert client.submit().status_code == 201
    assert happened.pop(0) == "sync folder"  # the one above, which has the new folder's name now
    assert happened == ["sync .part", "rename .part to .pdf", "sync folder", "commit"]


@pytest.mark.parametrize("fails", ["copy", "sync", "rename", "sync folder", "write"])
def test_a_disk_that_fails_is_503_and_leaves_nothing(fails, client, app, rows, monkeypatch):
    sync = os.fsync

    def fsync_of_folder(descriptor):
        return full_disk() if stat.S_ISDIR(os.fstat(descriptor).st_mode) else sync(descriptor)

    def half_a_copy(source, target):
        target.write(source.read(100))
        full_disk()

    where = {
        "copy": (shutil, "copyfileobj", half_a_copy),
        "sync": (os, "fsync", full_disk),
        "rename": (Path, "rename", full_disk),
        "sync folder": (os, "fsync", fsync_of_folder),
        "write": (os, "open", full_disk),
    }
    with monkeypatch.context() as patched:
        patched.setattr(*where[fails])
        answer = client.submit()
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert "space" not in answer.text
    with app.app_context():
        assert list(app.extensions["leadintake.storage"].names()) == []
    assert not any(rows(model) for model in (Lead, Document, Notification))
    assert client.submit().status_code == 201


def test_a_file_that_was_there_before_stays_when_its_replacement_fails(folder, monkeypatch):
    folder.save(KEY, io.BytesIO(b"before"))()
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "copyfileobj", full_disk)
        with pytest.raises(Unavailable):
            folder.save(KEY, io.BytesIO(b"after"))
    assert [(path.name, path.read_bytes()) for path in folder.folder.iterdir()] == [(KEY, b"before")]


class TestAFolderThatCannotBe:
    @pytest.fixture
    def settings(self, tmp_path):
        (tmp_path / "a-file").write_text("")
        return {"STORAGE_URL": f"file:{tmp_path / 'a-file' / 'uploads'}"}

    def test_it_is_503_for_those_who_send_and_unready_for_those_who_watch(self, client, rows):
        assert client.submit().status_code == 503
        assert not rows(Lead)
        assert "storage" in client.get("/readyz").json["detail"]


def test_a_file_that_is_not_there_says_so_and_may_be_deleted(folder):
    with pytest.raises(FileNotFoundError):
        folder.open(KEY)
    folder.delete(KEY)
    assert discard(folder, KEY, never) is False
    assert list(folder.names()) == []


def test_a_file_that_cannot_be_opened_is_unavailable(folder):
    (folder.folder / KEY).mkdir(parents=True)
    with pytest.raises(Unavailable):
        folder.open(KEY)


def test_a_disk_that_fails_under_a_file_says_so_before_the_answer_begins(
    client, app, given, rows, monkeypatch
):
    def fails(*_arguments):
        raise OSError(errno.EIO, "Input/output error")

    assert client.submit().status_code == 201
    (lead,) = rows(Lead)
    client.sign_in(given(UserFactory, role="manager"))
    with monkeypatch.context() as patched:
        patched.setattr(os, "pread", fails)
        answer = client.get(f"/internal/leads/{lead.id}/resume")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert client.get(f"/internal/leads/{lead.id}/resume").status_code == 200


def test_an_upload_that_is_deciding_is_not_swept(folder):
    ended = folder.save(KEY, io.BytesIO(b"x"))
    assert discard(folder, KEY, never) is False
    assert list(folder.names()) == [KEY]
    ended()
    assert discard(folder, KEY, never) is True
    assert list(folder.names()) == []


def test_an_upload_that_is_being_written_is_not_swept(folder):
    half, go_on = threading.Event(), threading.Event()

    class Slow(io.BytesIO):
        def read(self, size=-1):
            half.set()
            assert go_on.wait(10)
            return super().read(size)

    writer = threading.Thread(target=lambda: folder.save(KEY, Slow(b"x"))())
    writer.start()
    assert half.wait(10)
    assert list(folder.names()) == [f"{KEY}.part"]
    swept = discard(folder, f"{KEY}.part", never)
    go_on.set()
    writer.join()
    assert swept is False
    assert list(folder.names()) == [KEY]


def test_what_an_upload_renames_while_it_is_swept_is_no_failure(folder):
    """Asking for the owner takes a while; an upload may end in it."""
    folder.folder.mkdir(parents=True)
    part = folder.folder / f"{KEY}.part"
    part.write_bytes(b"x")

    def renamed_meanwhile() -> bool:
        part.rename(folder.folder / KEY)
        return False

    discard(folder, part.name, renamed_meanwhile)
    assert list(folder.names()) == [KEY]


def test_what_a_killed_process_left_is_swept(folder):
    code = (
        "import io, os, sys; from leadintake.documents.storage.local import LocalFolder;"
        "LocalFolder(sys.argv[1]).save(sys.argv[2], io.BytesIO(b'x')); os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(folder.folder), KEY], check=False)
    assert killed.returncode == -9
    assert list(folder.names()) == [KEY]
    assert discard(folder, KEY, never) is True


def test_a_file_with_an_owner_is_kept(folder):
    folder.save(KEY, io.BytesIO(b"x"))()
    assert discard(folder, KEY, lambda: True) is False
    assert list(folder.names()) == [KEY]


def test_a_key_is_never_given_twice(folder):
    (folder.folder).mkdir(parents=True)
    (folder.folder / f"{KEY}.part").write_bytes(b"of another upload")
    with pytest.raises(Unavailable):
        folder.save(KEY, io.BytesIO(b"x"))
    assert (folder.folder / f"{KEY}.part").read_bytes() == b"of another upload"


def test_folders_and_hidden_files_are_none_of_ours(folder):
    (folder.folder / "lost+found").mkdir(parents=True)
    (folder.folder / ".nfs0001").write_bytes(b"x")
    assert list(folder.names()) == []


def test_every_lock_is_one_that_nfs_gives(folder, client, app, monkeypatch):
    """There, who locks alone must have opened the file for writing (flock(2), NFS details)."""
    lock = fcntl.flock

    def as_on_nfs(descriptor, operation):
        mode = fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE
        if mode == (os.O_WRONLY if operation & fcntl.LOCK_SH else os.O_RDONLY):
            raise OSError(errno.EBADF, "Bad file descriptor")
        return lock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", as_on_nfs)
    folder.save(KEY, io.BytesIO(b"x"))()
    (folder.folder / f"{KEY}.part").write_bytes(b"half")
    folder.drop_unfinished(KEY)
    assert not (folder.folder / f"{KEY}.part").exists()
    assert discard(folder, KEY, never) is True
    assert client.submit().status_code == 201
    assert len(processes.list_live(app)) == 1
