"""Debian's nginx with the configuration that we ship, on ports of its own."""

from __future__ import annotations

import datetime
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from requests.adapters import HTTPAdapter

from tests.support.engines import missing
from tests.support.redis import free_port
from tests.support.server import ROOT, Process, running, wait_until

SHIPPED = ROOT / "deploy" / "nginx.conf"
NAME = "localhost"
AROUND = """daemon off;
{user}
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 2048; }}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/leadintake.conf;
}}
"""


class Nginx(Process):
    """nginx in front of a server of ours."""

    def __init__(self, folder: Path, upstream: int) -> None:
        program = shutil.which("nginx") or "/usr/sbin/nginx"
        if not Path(program).exists():
            missing("no nginx")
        self.folder, self.port, self.plain = folder, free_port(), free_port()
        self.certificate = folder / "fullchain.pem"
        _make_certificate(self.certificate, folder / "key.pem")
        (folder / "leadintake.conf").write_text(self._moved(SHIPPED.read_text(), upstream))
        (folder / "nginx.conf").write_text(
            AROUND.format(folder=folder, user="user root;" if os.geteuid() == 0 else "")
        )
        self.command_line = [program, "-p", str(folder), "-c", str(folder / "nginx.conf")]
        self.address = f"https://{NAME}:{self.port}"
        super().__init__(self.command_line, {"PATH": "/usr/sbin:/usr/bin:/bin"}, folder / "start.log")

    def _moved(self, text: str, upstream: int) -> str:
        """The shipped text with this machine's ports, names and folders in the place of its own."""
        for old, new in (
            ("127.0.0.1:8000", f"127.0.0.1:{upstream}"),
            ("listen [::]:443", f"listen [::1]:{self.port}"),
            ("listen [::]:80", f"listen [::1]:{self.plain}"),
            ("listen 443", f"listen {self.port}"),
            ("listen 80", f"listen {self.plain}"),
            ("/etc/ssl/intake.firm.example", str(self.folder)),
            ("intake.firm.example", NAME),
            ("/var/log/nginx", str(self.folder)),
        ):
            assert old in text, old
            text = text.replace(old, new)
        return text

    def start(self) -> None:
        """Check the configuration, start, and wait until it answers."""
        checked = subprocess.run([*self.command_line, "-t"], capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stderr
        assert "emerg" not in checked.stderr
        super().start()
        wait_until(self._answers, "nginx answers")

    def client(self, source: str = "127.0.0.1") -> requests.Session:
        """A client from another address of this machine."""
        session = requests.Session()
        session.trust_env = False  # a bundle of certificates named there would count before ours
        session.verify = str(self.certificate)
        session.mount("https://", _From(source))
        return session

    def logged(self) -> str:
        """What it logged of requests."""
        return (self.folder / "leadintake.log").read_text()

    def _answers(self) -> bool:
        try:
            return self.client().get(f"{self.address}/healthz", timeout=10).ok
        except requests.ConnectionError:
            return False


class _From(HTTPAdapter):
    def __init__(self, source: str) -> None:
        self.source = source
        super().__init__()

    def init_poolmanager(self, *arguments, **options) -> None:
        super().init_poolmanager(*arguments, source_address=(self.source, 0), **options)


@contextmanager
def nginx_before(port: int, folder: Path) -> Iterator[Nginx]:
    """A started nginx, ended whatever happens."""
    folder.mkdir()
    folder.chmod(0o755)
    nginx = Nginx(folder, port)
    with running(nginx):
        yield nginx


def _make_certificate(certificate: Path, key_file: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    certificate.write_bytes(made.public_bytes(pem))
    plain = serialization.NoEncryption()
    key_file.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
