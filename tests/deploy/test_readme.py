"""README's commands for production, typed in as they stand there, but for places, the port and sudo."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from tests.support.redis import free_port
from tests.support.server import ROOT, Process, wait_until

BLOCK = re.compile(r"<!-- production -->\n```sh\n(.*?)```", re.DOTALL)
PASSWORD = "a long sentence for Ada"


@pytest.fixture
def typed(tmp_path) -> list[str]:
    """The lines, with folders below one of the test's own."""
    (block,) = BLOCK.findall((ROOT / "README.md").read_text())
    for written, here in (
        (". .venv/bin/activate\n", ""),
        ("sudo ", ""),
        ("/etc/", f"{tmp_path}/etc/"),
        ("/var/lib/", f"{tmp_path}/var/lib/"),
        ("postgresql://leadintake@db/leadintake", f"sqlite:///{tmp_path}/var/lib/leadintake/leads.sqlite3"),
    ):
        assert written in block
        block = block.replace(written, here)
    return block.strip().splitlines()


def environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LEADINTAKE_", "COV_"))}
    return {**kept, "PATH": f"{Path(sys.executable).parent}:{kept['PATH']}"}


def test_it_makes_its_own_folders_and_serves(typed, tmp_path):
    *before, serve = typed
    assert serve.startswith("granian ")
    script = "\n".join(["set -e", "umask 022", *before, "flask doctor || true", "export -p > $HOME/exported"])
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=ROOT,
        env={**environment(), "HOME": str(tmp_path)},
        input=f"{PASSWORD}\n{PASSWORD}\n",
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
    )
    assert done.returncode == 0, done.stderr
    rows = dict(re.findall(r"^ *(\S[\w ]*?)  +(ok|wrong|unknown)\b", done.stdout, re.MULTILINE))
    assert rows["proxies"] == rows["files"] == rows["revision"] == "ok", done.stdout

    port = free_port()
    command = f"source $HOME/exported; exec {serve} --port {port}"
    server = Process(["bash", "-c", command], {**environment(), "HOME": str(tmp_path)}, tmp_path / "log")
    server.start()
    try:
        address = f"http://127.0.0.1:{port}"
        wait_until(lambda: _status(f"{address}/readyz") == 200, "the server is ready")
        assert requests.get(f"{address}/metrics", timeout=5).status_code == 403
        assert _status(f"{address}/", {"X-Forwarded-For": "203.0.113.7"}) == 200
        assert "proxy_not_trusted" not in (tmp_path / "log").read_text()
    finally:
        server.stop()
    for place in (tmp_path / "etc", tmp_path / "var" / "lib"):
        for path in [place / "leadintake", *(place / "leadintake").rglob("*")]:
            assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path


def _status(address: str, headers: dict[str, str] | None = None) -> int:
    try:
        return requests.get(address, headers=headers, timeout=2).status_code
    except requests.ConnectionError:
        return 0
