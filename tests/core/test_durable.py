"""What was written survives a power cut: the order in which bytes and names are synced."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from leadintake.config.secret import read_or_make_secret
from leadintake.core import durable


@pytest.fixture
def happened(monkeypatch) -> list[str]:
    """What is asked of the disk, in order."""
    calls: list[str] = []
    sync, rename, link = os.fsync, Path.rename, os.link

    def fsync(descriptor):
        calls.append(f"sync {Path(f'/proc/self/fd/{descriptor}').readlink().name}")
        return sync(descriptor)

    def renamed(self, target):
        calls.append(f"rename {self.name} to {Path(target).name}")
        return rename(self, target)

    def linked(source, target):
        calls.append(f"link {Path(target).name}")
        return link(source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "rename", renamed)
    monkeypatch.setattr(os, "link", linked)
    return calls


def test_a_file_is_synced_then_named_then_its_folder_is_synced(tmp_path, happened):
    path = tmp_path / "one.eml"
    durable.write_file(path, b"content")
    assert path.read_bytes() == b"content"
    assert happened == ["sync one.part", "rename one.part to one.eml", f"sync {tmp_path.name}"]


def test_each_new_folder_is_synced_into_the_one_above(tmp_path, happened):
    durable.make_folder(tmp_path / "a" / "b")
    assert happened == [f"sync {tmp_path.name}", "sync a"]
    durable.make_folder(tmp_path / "a" / "b")
    assert len(happened) == 2


def test_a_file_that_cannot_be_synced_has_no_name(tmp_path, monkeypatch):
    def fails(_descriptor):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(OSError, match="Input/output error"):
        durable.write_file(tmp_path / "one.eml", b"content")
    assert not (tmp_path / "one.eml").exists()


def test_the_secret_and_its_name_are_synced_before_anything_is_sealed_with_it(tmp_path, happened):
    secret = read_or_make_secret(tmp_path / "secret_key")
    draft, *rest = happened
    assert draft.startswith("sync secret_key.")
    assert rest == ["link secret_key", f"sync {tmp_path.name}"]
    assert read_or_make_secret(tmp_path / "secret_key") == secret
    assert len(happened) == 3
