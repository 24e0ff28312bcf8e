"""Debian's PgBouncer in front of a PostgreSQL: a folder, a port, a mode, five connections to the server."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from leadintake.core.db.database import engine_url
from tests.support.engines import missing
from tests.support.mailserver import HOST, free_port
from tests.support.server import Process, running, wait_until

ACCOUNT = "nobody"
"""It refuses to run as root."""
SERVER_CONNECTIONS = 5
SETTINGS = """[databases]
* = host={host} port={port} user={user}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own}
unix_socket_dir =
auth_type = {auth}
auth_file = {folder}/users
pool_mode = {mode}
default_pool_size = {size}
logfile = {folder}/log
"""


class PgBouncer(Process):
    """A PgBouncer with its own defaults. `visible`: everybody is its administrator, else nobody."""

    def __init__(self, database_url: str, mode: str, folder: Path, size: int, visible: bool) -> None:
        program = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin")
        if program is None:
            missing("no pgbouncer")
        url, self.port, self.folder = engine_url(database_url), free_port(), folder
        self.url = url.set(drivername="postgresql", host=HOST, port=self.port).render_as_string(
            hide_password=False
        )
        settings = SETTINGS.format(
            host=url.host,
            port=url.port or 5432,
            user=url.username,
            own=self.port,
            auth="any" if visible else "trust",
            mode=mode,
            size=size,
            folder=folder,
        )
        (folder / "pgbouncer.ini").write_text(settings)
        (folder / "users").write_text(f'"{url.username}" "{url.password or ""}"\n')
        account = []
        if os.geteuid() == 0:
            owner = pwd.getpwnam(ACCOUNT)
            for path in (folder, *folder.iterdir()):
                os.chown(path, owner.pw_uid, owner.pw_gid)
            account = ["setpriv", f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups"]
        command = [*account, str(program), str(folder / "pgbouncer.ini")]
        super().__init__(command, {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}, folder / "start.log")

    def start(self) -> None:
        """Start and wait until it listens."""
        super().start()
        wait_until(self._listens, "PgBouncer listens")

    def _listens(self) -> bool:
        assert self.process.poll() is None, (self.folder / "start.log").read_text()
        try:
            socket.create_connection((HOST, self.port), timeout=5).close()
        except OSError:
            return False
        return True


@contextmanager
def pgbouncer(
    database_url: str, mode: str, size: int = SERVER_CONNECTIONS, *, visible: bool = True
) -> Iterator[PgBouncer]:
    """A started PgBouncer in front of this database, ended whatever happens."""
    # Its account may not look into pytest's folders.
    with tempfile.TemporaryDirectory(prefix="pgbouncer-") as name:
        server = PgBouncer(database_url, mode, Path(name), size, visible)
        with running(server):
            yield server
