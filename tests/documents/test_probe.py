"""Whether the storage keeps files: the operator is told the cause and what to do, in one line."""

from __future__ import annotations

import errno
import io
import os
from pathlib import Path

import pytest

from leadintake.core.errors import Unavailable
from leadintake.documents.probe import StorageBroken, probe
from leadintake.documents.storage.local import LocalFolder


@pytest.fixture
def folder(tmp_path) -> LocalFolder:
    return LocalFolder(str(tmp_path / "uploads"))


def fails(*_arguments, **_named):
    raise OSError(errno.EIO, "Input/output error")


def test_a_storage_that_works_is_left_as_it_was(folder):
    probe(folder, f"file:{folder.folder}")
    assert list(folder.folder.iterdir()) == []


@pytest.mark.parametrize(
    ("where", "act"),
    [((os, "fsync"), "store"), ((os, "pread"), "read back"), ((Path, "rename"), "store")],
    ids=["sync", "read", "rename"],
)
def test_what_cannot_be_done_is_named_with_its_cause_and_leaves_nothing(folder, where, act, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(*where, fails)
        with pytest.raises(StorageBroken) as raised:
            probe(folder, f"file:{folder.folder}")
    sentence = str(raised.value)
    assert sentence.startswith(f"Cannot {act} a file at file:{folder.folder}: [Errno 5] Input/output error. ")
    assert "LEADINTAKE_STORAGE_URL" in sentence
    assert "try again" not in sentence
    assert list(folder.folder.iterdir()) == []


class Odd:
    """A storage that fails in one way, under an address with an account in it."""

    def __init__(self, back: bytes = b"", delete: Exception | None = None) -> None:
        self.back, self.fails = back, delete

    def save(self, _key, stream):
        self.back = self.back or stream.read()
        return lambda: None

    def open(self, _key):
        return io.BytesIO(self.back)

    def delete(self, _key):
        if self.fails:
            raise self.fails


def test_other_bytes_than_were_stored_are_a_failure():
    with pytest.raises(StorageBroken, match=r"Cannot read back a file at s3://resumes/prefix: other bytes"):
        probe(Odd(back=b"something else"), "s3://resumes/prefix")


def test_a_storage_that_deletes_nothing_is_named_without_the_account_of_its_address():
    refused = Unavailable("for prospects")
    refused.__cause__ = PermissionError("AccessDenied on DeleteObject\nwith more")
    with pytest.raises(StorageBroken) as raised:
        probe(Odd(delete=refused), "s3://key:hunter2@resumes/prefix")
    assert str(raised.value).startswith(
        "Cannot delete a file at s3://resumes/prefix: AccessDenied on DeleteObject. Mend"
    )
