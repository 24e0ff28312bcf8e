"""The real server as processes of its own, to be killed."""

from __future__ import annotations

import itertools
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import requests

ROOT = Path(__file__).parents[2]
WAIT_SECONDS = 60
TOMORROW_SECONDS = 25 * 3600
GRANIAN = ["granian", "--interface", "wsgi", "--blocking-threads", "64", "--port", "{port}"]
SERVERS = {
    "granian": [*GRANIAN, "--http", "1", "--log-config", "leadintake/server_logs/granian.json"],
    "granian as the contract says": GRANIAN,
    "gunicorn": [
        *("gunicorn", "-k", "gevent", "--no-control-socket", "-b", "127.0.0.1:{port}"),
        *("--log-config", "leadintake/server_logs/gunicorn.ini"),
    ],
}
_workers = itertools.count(1)


class Process:
    """A program in a session of its own, so that all its processes can be ended at once."""

    tree = ROOT
    """Where it is started: the code there is what runs."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.command, self.environment, self.log = command, environment, log
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=self.tree,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self) -> None:
        """End every process of it at once, as kill -9 or a power cut would."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def cpu_seconds(self) -> float:
        """CPU time of all its processes that live (proc_pid_stat(5))."""
        ticks = 0
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):  # it ended meanwhile
                fields = stat.read_text().rpartition(")")[2].split()
                ticks += int(fields[11]) + int(fields[12]) if int(fields[3]) == self.process.pid else 0
        return ticks / os.sysconf("SC_CLK_TCK")

    def stop(self) -> int:
        """Ask it to stop; return the exit status."""
        self.process.terminate()
        return self.process.wait(WAIT_SECONDS)


class Server(Process):
    """A server with our application: granian as `flask demo` starts it, or another of SERVERS.

    `under` is a command to run it under, `around` are variables of its environment beside our settings,
    `app` is another application to serve.
    """

    def __init__(
        self,
        database_url: str,
        folder: Path,
        under: Sequence[str] = (),
        around: Mapping[str, str] | None = None,
        app: str = "wsgi:app",
        kind: str = "granian",
        **settings: str,
    ) -> None:
        self.port = _free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        command = [part.format(port=self.port) for part in SERVERS[kind]]
        environment = {
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
            **(around or {}),
        }
        # With workers elsewhere a server alone is not ready, and need not be.
        self.sign_of_life = "/healthz" if settings.get("WORKER") == "external" else "/readyz"
        command = [*under, sys.executable, "-m", *command, app]
        super().__init__(command, environment, folder / "server.log")

    def start(self) -> None:
        """Start and wait until it is ready."""
        super().start()
        wait_until(self._is_ready, "the server is ready")

    def run(self, *arguments: str, input: str | None = None) -> subprocess.CompletedProcess[str]:  # noqa: A002
        """Run a flask command with the same settings."""
        command = [sys.executable, "-m", "flask", *arguments]
        return subprocess.run(
            command,
            cwd=self.tree,
            env=self.environment,
            input=input,
            capture_output=True,
            text=True,
            check=False,
        )

    def sweep(self) -> subprocess.CompletedProcess[str]:
        """Run `flask storage sweep --really` tomorrow, when the files of today are old enough."""
        command = [sys.executable, "-m", "tests.support.later", str(TOMORROW_SECONDS)]
        return subprocess.run(
            [*command, "storage", "sweep", "--really"],
            cwd=self.tree, env=self.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def _is_ready(self) -> bool:
        if self.process.poll() is not None:
            raise AssertionError(f"the server ended: {self.log.read_text()}")
        try:
            return requests.get(self.address + self.sign_of_life, timeout=2).status_code == 200
        except (requests.ConnectionError, requests.Timeout):  # gunicorn listens before it has loaded anything
            return False


class Worker(Process):
    """`flask worker` with the settings of a server, and with a clock that may be ahead."""

    def __init__(self, server: Server, ahead_seconds: float, around: Mapping[str, str] | None) -> None:
        flask = ["tests.support.later", str(ahead_seconds)] if ahead_seconds else ["flask"]
        super().__init__(
            [sys.executable, "-m", *flask, "worker"],
            {**server.environment, **(around or {})},
            server.log.with_name(f"worker-{next(_workers)}.log"),
        )

    def start(self) -> None:
        """Start and wait until it is at work: the first it does is to put the house in order."""
        before = self._chores_done()
        super().start()
        wait_until(lambda: self._chores_done() > before, "the worker is at work")

    def _chores_done(self) -> int:
        return self.log.read_text().count("housekeeping") if self.log.exists() else 0


@contextmanager
def serving(
    database_url: str,
    folder: Path,
    under: Sequence[str] = (),
    around: Mapping[str, str] | None = None,
    app: str = "wsgi:app",
    kind: str = "granian",
    **settings: str,
) -> Iterator[Server]:
    """A started server, ended whatever happens."""
    server = Server(database_url, folder, under, around, app, kind, **settings)
    with running(server):
        yield server


@contextmanager
def working(
    server: Server, *, ahead_seconds: float = 0, around: Mapping[str, str] | None = None
) -> Iterator[Worker]:
    """A started worker beside a server, ended whatever happens."""
    worker = Worker(server, ahead_seconds, around)
    with running(worker):
        yield worker


@contextmanager
def running(process: Process) -> Iterator[None]:
    """Start it, and end it whatever happens."""
    try:
        process.start()
        yield
    finally:
        if process.process is not None and process.process.poll() is None:
            process.kill()


def mail_at(port: int, **more: str) -> dict[str, str]:
    """Settings of a server whose mail goes to a port of this machine, by the hands of workers elsewhere."""
    return {"WORKER": "external", "MAIL_SERVER": "127.0.0.1", "MAIL_PORT": str(port), **more}


def wait_until(holds, what: str, seconds: float = WAIT_SECONDS) -> None:
    """Wait for a condition, in vain at most a minute or as long as said."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"waited {seconds} s until {what}"
        time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
