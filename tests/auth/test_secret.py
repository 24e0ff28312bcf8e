"""The secret key, made once."""

from __future__ import annotations

import multiprocessing
import os
import stat

import pytest

from leadintake import create_app
from leadintake.config import secret
from leadintake.config.secret import read_or_make_secret
from tests.support.waiting import all_at_once


@pytest.fixture
def path(tmp_path):
    return tmp_path / "secret_key"


def test_it_is_long_random_and_for_the_owner_alone(path, tmp_path):
    before = os.umask(0)
    try:
        made = read_or_make_secret(path)
    finally:
        os.umask(before)
    assert len(made) == 64
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert made != read_or_make_secret(tmp_path / "another")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["another", "secret_key"]


def test_it_is_made_once_and_read_ever_after(path):
    assert read_or_make_secret(path) == read_or_make_secret(path)
    path.write_text("of the operator's own making\n")
    assert read_or_make_secret(path) == "of the operator's own making"


def test_threads_that_start_together_agree(path, tmp_path):
    assert len(set(all_at_once(16, lambda _: read_or_make_secret(path)))) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["secret_key"]


def test_processes_that_start_together_agree(path):
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        assert len(set(pool.map(read_or_make_secret, [path] * 6))) == 1


def test_nothing_is_left_behind_where_it_cannot_be_kept(path, tmp_path, monkeypatch):
    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(secret.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        read_or_make_secret(path)
    assert list(tmp_path.iterdir()) == []


def test_two_applications_of_one_instance_share_it(tmp_path, database_url):
    keys = {create_app(INSTANCE_PATH=str(tmp_path), DATABASE_URL=database_url).secret_key for _ in range(2)}
    assert keys == {(tmp_path / "secret_key").read_text()}
