"""A mail server in a thread that does what a script says, faults included."""

from __future__ import annotations

import asyncio
import datetime
import email
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.waiting import WAIT_SECONDS

HOST = "127.0.0.1"
DROP = "drop the connection"
HANG = "say nothing"
OK = "250 OK"


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def port() -> int:
    """The port of a mail server that a test starts and stops."""
    return free_port()


@pytest.fixture
def settings(port: int) -> dict[str, object]:
    """Mail goes there."""
    return {"MAIL_SERVER": HOST, "MAIL_PORT": port, "MAIL_TIMEOUT": 2}


class Script:
    """What the server says at each stage, in turn; the last saying is repeated. And what it was sent.

    Stages are ehlo, mail, rcpt, data, and `taken` for what is said of a message that it has taken already;
    the last three also of one recipient alone: `rcpt jane@example.com`.
    """

    def __init__(self, **says: str | list[str]) -> None:
        self.says = {stage: [said] if isinstance(said, str) else list(said) for stage, said in says.items()}
        self.received: list[EmailMessage] = []
        self.raw: list[bytes] = []
        self.recipients: list[str] = []
        self.senders: list[str] = []
        self.connections = 0
        self.at_data = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()

    def _stage(self, stage: str, recipients: Iterable[str]) -> str:
        alone = (f"{stage} {address}" for address in recipients)
        return next((one for one in alone if one in self.says), stage)

    async def _say(self, stage: str, server: SMTP, otherwise: str = OK) -> str:
        turns = self.says.get(stage, [otherwise])
        said = turns.pop(0) if len(turns) > 1 else turns[0]
        if said == DROP:
            server.transport.abort()
            return "421 gone"
        while said == HANG:
            await asyncio.sleep(0.05)
        return said

    async def handle_EHLO(self, server: SMTP, session: Any, _envelope: Any, name: str, replies: list[str]):  # noqa: N802 - aiosmtpd's name
        """Refuse the greeting, if the script says so."""
        session.host_name = name
        said = await self._say("ehlo", server, "")
        return [said] if said else replies

    async def handle_HELO(self, server: SMTP, session: Any, _envelope: Any, name: str):  # noqa: N802
        """The same for old clients."""
        session.host_name = name
        return await self._say("ehlo", server) or OK

    async def handle_MAIL(self, server: SMTP, _session: Any, envelope: Any, address: str, _options: Any):  # noqa: N802
        """Judge the sender."""
        self.senders.append(address)
        said = await self._say("mail", server)
        if said == OK:
            envelope.mail_from = address
        return said

    async def handle_RCPT(self, server: SMTP, _session: Any, envelope: Any, address: str, _options: Any):  # noqa: N802
        """Judge the recipient."""
        self.recipients.append(address)
        said = await self._say(self._stage("rcpt", [address]), server)
        if said == OK:
            envelope.rcpt_tos.append(address)
        return said

    async def handle_DATA(self, server: SMTP, _session: Any, envelope: Any):  # noqa: N802
        """Take the message, once the test lets go."""
        self.at_data.set()
        while not self.go_on.is_set():
            await asyncio.sleep(0.02)
        self.raw.append(envelope.content)
        said = await self._say(self._stage("data", envelope.rcpt_tos), server, "250 2.0.0 queued as 4711")
        if said.startswith("250"):
            self.received.append(
                email.message_from_bytes(envelope.content, policy=email.policy.default)  # type: ignore[arg-type]
            )
            said = await self._say(self._stage("taken", envelope.rcpt_tos), server, said)
        return said


class _Server(Controller):
    """aiosmtpd's, on a port that is bound before it is announced."""

    def __init__(self, script: Script, port: int, **options: Any) -> None:
        self.listening = socket.socket()
        self.listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listening.bind((HOST, port))
        super().__init__(
            script,
            hostname=HOST,
            port=self.listening.getsockname()[1],
            ready_timeout=WAIT_SECONDS,
            **options,
        )

    def _create_server(self) -> Any:
        return self.loop.create_server(
            self._factory_invoker, sock=self.listening, ssl=self.ssl_context, backlog=20
        )

    def factory(self) -> SMTP:
        self.handler.connections += 1
        return super().factory()


@contextmanager
def mail_server(script: Script, port: int = 0, **options: Any) -> Iterator[int]:
    """Serve the script; the value is the port."""
    server = _Server(script, port, **options)
    server.start()
    script.connections = 0  # the controller knocks once to see that it is open
    try:
        yield server.port
    finally:
        script.go_on.set()
        server.stop()


@contextmanager
def raw_server(talk: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server that is no mail server: `talk` has one connection at a time."""
    listening = socket.create_server((HOST, 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection:
                talk(connection)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield int(listening.getsockname()[1])
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(WAIT_SECONDS)


def certificate(folder: Path, name: str = HOST) -> tuple[ssl.SSLContext, Path]:
    """A server's TLS context under a certificate that signs itself, and the file that one may trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    today = datetime.datetime.now(datetime.UTC)
    kind = x509.IPAddress(ipaddress.ip_address(name)) if name[0].isdigit() else x509.DNSName(name)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - datetime.timedelta(days=1))
        .not_valid_after(today + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([kind]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    trusted = folder / f"{name}.pem"
    trusted.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    both = folder / f"{name}.key.pem"
    both.write_bytes(
        trusted.read_bytes()
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    return context, trusted
