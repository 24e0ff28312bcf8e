"""Debian's Postfix as a strict mail server of its own: a folder, a port, mailboxes to look into."""

from __future__ import annotations

import email
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path

from tests.support.engines import missing
from tests.support.mailserver import HOST, free_port
from tests.support.server import Process, running, wait_until

DOMAIN, NAME = "firm.example", "mail.firm.example"
MAILBOXES = ("intake", "amara", "bruno")
MAX_BYTES = 20_000
MAIN = """compatibility_level = 3.6
queue_directory = {folder}/spool
data_directory = {folder}/lib
maillog_file = {folder}/mail.log
maillog_file_prefixes = {folder}
myhostname = {name}
mydomain = {domain}
mydestination =
mynetworks =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
virtual_mailbox_domains = {domain}
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = inline:{{ {mailboxes} }}
virtual_uid_maps = static:{user}
virtual_gid_maps = static:{group}
virtual_minimum_uid = 1
message_size_limit = {largest}
virtual_mailbox_limit = 0
body_checks = regexp:{folder}/lines
header_checks = regexp:{folder}/lines
smtpd_helo_required = yes
smtpd_helo_restrictions = check_helo_access inline:{{ intake.{domain}=OK }}, reject_invalid_helo_hostname,
  reject_non_fqdn_helo_hostname, reject_unknown_helo_hostname
smtpd_sender_restrictions = reject_non_fqdn_sender, reject_unlisted_sender,
  check_sender_access inline:{{ bruno@{domain}=REJECT }}
smtpd_relay_restrictions = reject_unauth_destination
smtpd_recipient_restrictions = reject_non_fqdn_recipient, reject_unlisted_recipient
smtpd_reject_unlisted_recipient = yes
strict_rfc821_envelopes = yes
disable_vrfy_command = yes
"""
MASTER = """{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
virtual unix - n n - - virtual
discard unix - - n - - discard
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""
LINES = "/^.{999}/ REJECT a line is longer than 998 octets\n"


class Postfix(Process):
    """A started Postfix that takes mail for a firm's few mailboxes, and for nobody else."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        owner = pwd.getpwnam("postfix")
        for name in ("spool", "lib", "mail"):
            (folder / name).mkdir()
        for name in ("lib", "mail"):
            os.chown(folder / name, owner.pw_uid, owner.pw_gid)
        listed = ", ".join(f"{{ {one}@{DOMAIN} = {one}/ }}" for one in MAILBOXES)
        main = MAIN.format(
            folder=folder,
            name=NAME,
            domain=DOMAIN,
            mailboxes=listed,
            largest=MAX_BYTES,
            user=owner.pw_uid,
            group=owner.pw_gid,
        )
        (folder / "main.cf").write_text(main)
        (folder / "master.cf").write_text(MASTER.format(port=f"{HOST}:{self.port}"))
        (folder / "lines").write_text(LINES)
        command = ["/usr/sbin/postfix", "-c", str(folder), "start-fg"]
        super().__init__(command, {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}, folder / "start.log")

    def start(self) -> None:
        """Start and wait until it greets."""
        super().start()
        wait_until(self._greets, "Postfix greets")

    def kill(self) -> None:
        """End it as it wants to be ended: its daemons are in sessions of their own."""
        subprocess.run([*self.command[:3], "stop"], env=self.environment, capture_output=True, check=False)
        super().kill()

    def arrived(self, mailbox: str) -> list[EmailMessage]:
        """The mails in a mailbox."""
        files = sorted((self.folder / "mail" / mailbox / "new").glob("*"))
        return [email.message_from_bytes(file.read_bytes(), policy=email.policy.default) for file in files]  # type: ignore[misc] # the default policy makes these

    def _greets(self) -> bool:
        assert self.process.poll() is None, (self.folder / "start.log").read_text()
        try:
            with socket.create_connection((HOST, self.port), timeout=5) as connection:
                return connection.recv(3) == b"220"
        except OSError:
            return False


@contextmanager
def postfix() -> Iterator[Postfix]:
    """A started Postfix, ended whatever happens."""
    if not shutil.which("postfix", path="/usr/sbin:/usr/bin"):
        missing("no postfix")
    if os.geteuid() != 0:
        missing("Postfix is started by root alone")
    # Its daemons are another user's, who may not look into pytest's folders.
    with tempfile.TemporaryDirectory(prefix="postfix-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        server = Postfix(folder)
        with running(server):
            yield server
