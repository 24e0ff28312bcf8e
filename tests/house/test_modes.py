"""The main job, without a umask and in folders open to everybody: what it leaves is its own user's."""

from __future__ import annotations

import os
import stat
import sys

import pytest
import requests

from tests.support.client import filled
from tests.support.server import Process, running, wait_until
from tests.support.server import _free_port as free_port

pytestmark = pytest.mark.no_cover  # the lines are counted elsewhere


def open_to_others(folder) -> dict[str, str]:
    """Everything below the folder, and itself, that others may do anything with: its name and its mode."""
    found = [folder, *folder.rglob("*")]
    modes = {str(path): stat.S_IMODE(path.lstat().st_mode) for path in found}
    return {name: oct(mode) for name, mode in modes.items() if mode & 0o077}


def test_nothing_is_left_open_to_others_whatever_the_umask_and_whoever_made_the_folders(tmp_path):
    instance, port = tmp_path / "instance", free_port()
    for folder in (instance, instance / "uploads", instance / "mail"):
        folder.mkdir()
        folder.chmod(0o777)
    database = instance / "leadintake.sqlite3"
    database.touch()
    database.chmod(0o644)
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("LEADINTAKE_", "COV_"))}
    around = {**ours, "LEADINTAKE_INSTANCE_PATH": str(instance)}
    log = tmp_path / "log"
    demo = Process(["sh", "-c", f"umask 000; exec {sys.executable} -m flask demo --port {port}"], around, log)
    address = f"http://127.0.0.1:{port}"

    def is_ready() -> bool:
        assert demo.process is not None
        assert demo.process.poll() is None, log.read_text()
        try:
            return requests.get(f"{address}/readyz", timeout=5).status_code == 200
        except requests.ConnectionError:
            return False

    with running(demo):
        wait_until(is_ready, "the demonstration is ready")
        fields = filled(email="somebody.else@example.com")
        name, file = "resume_file", fields.pop("resume_file")
        answer = requests.post(f"{address}/public/leads", data=fields, files={name: file[::-1]}, timeout=30)
        assert answer.status_code == 201
        uploads = len([*(instance / "uploads").iterdir()])
        assert uploads > 1
        mails = instance / "mail"
        wait_until(lambda: len([*mails.glob("*.eml")]) > uploads, "mails are written")
        assert open_to_others(instance) == {}
        names = {path.name for path in instance.iterdir()}
        assert {"leadintake.sqlite3", "secret_key", "mail", "uploads"} <= names
