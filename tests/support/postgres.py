"""A PostgreSQL of a test's own, to be crashed, frozen and started again."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.engines import missing
from tests.support.mailserver import free_port

POSTGRES = "postgres"


class Postgres:
    """One cluster in a folder, on a port of its own, which syncs as one in production does."""

    def __init__(self, programs: Path, folder: Path, account: str | None) -> None:
        self.programs, self.folder, self.account = programs, folder, account
        self.port = free_port()
        self.url = f"postgresql://{POSTGRES}@127.0.0.1:{self.port}/{POSTGRES}"
        self._run("initdb", "--auth=trust", f"--username={POSTGRES}", "--no-sync")
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(folder),
            "max_connections": "200",
        }
        with (folder / "data" / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())

    def start(self) -> None:
        """Start, and wait until it answers."""
        self._run("pg_ctl", "--wait", f"--log={self.folder / 'log'}", "start")
        self._postmaster_seen = self._postmaster()

    def crash(self) -> None:
        """End it without a shutdown: it has to recover from its log."""
        self._run("pg_ctl", "--wait", "--mode=immediate", "stop")

    def recover(self) -> None:
        """Start after the power went: no process of then is there, whatever the numbers say."""
        for lock in (self.folder / "data" / "postmaster.pid", *self.folder.glob(".s.PGSQL.*.lock")):
            lock.unlink(missing_ok=True)
        self.start()

    def kill(self) -> None:
        """End every process of it at once, also where its files cannot be read any more."""
        for process in [self._postmaster_seen, *self._children(self._postmaster_seen)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    def freeze(self) -> None:
        """Stop every process of it: connections are accepted (by the kernel), nothing is answered."""
        os.kill(self._postmaster(), signal.SIGSTOP)  # first, so that it makes no more of them
        for process in self._children():
            with contextlib.suppress(ProcessLookupError):  # one that ends still needs no stopping
                os.kill(process, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        for process in [*self._children(), self._postmaster()]:
            with contextlib.suppress(ProcessLookupError):  # one that ran may end at any moment
                os.kill(process, signal.SIGCONT)

    def is_up(self) -> bool:
        """Whether there is a server process."""
        return (self.folder / "data" / "postmaster.pid").exists()

    def _postmaster(self) -> int:
        return int((self.folder / "data" / "postmaster.pid").read_text().split()[0])

    def _children(self, postmaster: int = 0) -> list[int]:
        threads = Path(f"/proc/{postmaster or self._postmaster()}/task")
        return [int(child) for one in threads.iterdir() for child in (one / "children").read_text().split()]

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self.programs / program), f"--pgdata={self.folder / 'data'}", *arguments]
        # Its output goes to a file: the server inherits a pipe, which would never end.
        with (self.folder / "commands.log").open("a+") as log:
            done = subprocess.run(
                command, cwd=self.folder, user=self.account, stdout=log, stderr=log, check=False
            )
            log.seek(0)
            server_log = self.folder / "log"
            assert done.returncode == 0, log.read() + (server_log.read_text() if server_log.exists() else "")


@contextmanager
def own_postgres(within: Path | None = None) -> Iterator[Postgres]:
    """A running cluster, gone afterwards; in a folder inside `within`, which its account can reach."""
    account = None
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        if POSTGRES not in {user.pw_name for user in pwd.getpwall()}:
            missing(f"no account {POSTGRES} to run PostgreSQL under")
        account = POSTGRES
    with tempfile.TemporaryDirectory(
        prefix="leadintake-", dir=within
    ) as name:  # pytest's own is closed to that account
        folder = Path(name)
        if account:
            shutil.chown(folder, account)
        postgres = Postgres(_programs(), folder, account)
        try:
            postgres.start()
            yield postgres
        finally:
            if postgres.is_up():
                postgres.thaw()
                postgres.crash()


def _programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    if config := shutil.which("pg_config"):
        folder = Path(
            subprocess.run([config, "--bindir"], capture_output=True, text=True, check=True).stdout.strip()
        )
        if (folder / "initdb").exists():
            return folder
    missing("no programs of PostgreSQL (initdb, pg_ctl)")
    raise AssertionError
