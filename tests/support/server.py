"""The real server as processes of its own, to be killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 60


class Server:
    """granian with our application, as `flask demo` starts it."""

    def __init__(self, database_url: str, folder: Path, **settings: str) -> None:
        self.port = _free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.environment = {
            **{
                name: value
                for name, value in os.environ.items()
                if not name.startswith(("LEADINTAKE_", "COV_"))
            },
            "LEADINTAKE_DATABASE_URL": database_url,
            "LEADINTAKE_INSTANCE_PATH": str(folder / "instance"),
            "LEADINTAKE_RATE_LIMIT_SUBMISSIONS": "",
            "LEADINTAKE_RATE_LIMIT_LOGINS": "",
            **{f"LEADINTAKE_{name}": value for name, value in settings.items()},
        }
        self.log = folder / "server.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until it is ready."""
        command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--blocking-threads", "64"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "--port", str(self.port), "wsgi:app"],
                cwd=ROOT, env=self.environment, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        wait_until(self._is_ready, "the server is ready")

    def kill(self) -> None:
        """End every process of it at once, as kill -9 or a power cut would."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        """Ask it to stop; return the exit status."""
        self.process.terminate()
        return self.process.wait(PATIENCE_SECONDS)

    def run(self, *arguments: str, input: str | None = None) -> subprocess.CompletedProcess[str]:  # noqa: A002
        """Run a flask command with the same settings."""
        command = [sys.executable, "-m", "flask", *arguments]
        return subprocess.run(
            command, cwd=ROOT, env=self.environment, input=input, capture_output=True, text=True, check=False
        )

    def _is_ready(self) -> bool:
        if self.process.poll() is not None:
            raise AssertionError(f"the server ended: {self.log.read_text()}")
        try:
            return requests.get(f"{self.address}/readyz", timeout=2).status_code == 200
        except requests.ConnectionError:
            return False


@contextmanager
def serving(database_url: str, folder: Path, **settings: str) -> Iterator[Server]:
    """A started server, ended whatever happens."""
    server = Server(database_url, folder, **settings)
    try:
        server.start()
        yield server
    finally:
        if server.process.poll() is None:
            server.kill()


def wait_until(holds, what: str) -> None:
    """Wait for a condition, in vain at most a minute."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, f"waited {PATIENCE_SECONDS} s until {what}"
        time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
