"""The proxy we ship, with Debian's nginx: the main job through it, and what it keeps from us."""

from __future__ import annotations

import json
import re
import socket
import ssl
from collections.abc import Iterator

import pytest
import requests

from leadintake import create_app
from tests.support.client import PASSWORD, PDF
from tests.support.engines import migrated_database
from tests.support.halfopen import begun
from tests.support.nginx import NAME, SHIPPED, Nginx, nginx_before
from tests.support.server import Server, serving

EMAIL = "manager@firm.example.com"
MB = 2**20


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("proxied")


@pytest.fixture(scope="module")
def server(folder) -> Iterator[Server]:
    with (
        migrated_database("sqlite", folder) as url,
        serving(url, folder, TRUSTED_PROXIES="1", RATE_LIMIT_SUBMISSIONS="40 per minute") as server,
    ):
        added = server.run(
            "users", "add", EMAIL, "--name", "Mia", "--role", "manager", "--password-stdin", input=PASSWORD
        )
        assert added.returncode == 0, added.stderr
        yield server


@pytest.fixture(scope="module")
def nginx(server, folder) -> Iterator[Nginx]:
    with nginx_before(server.port, folder / "nginx") as nginx:
        yield nginx


def submit(nginx: Nginx, content: bytes = PDF, *, source: str = "127.0.0.1", **headers: str):
    """Post the form through the proxy, from another address of this machine."""
    fields = {"first_name": "Jane", "last_name": "Doe", "email": "jane@example.com"}
    files = {"resume_file": ("resume.pdf", content)}
    address = f"{nginx.address}/public/leads?lang=en"
    return nginx.client(source).post(address, data=fields, files=files, headers=headers, timeout=60)


def signed_in(nginx: Nginx) -> requests.Session:
    session = nginx.client()
    wanted = {"email": EMAIL, "password": PASSWORD}
    answer = session.post(f"{nginx.address}/internal/session", json=wanted, timeout=60)
    assert answer.status_code == 200, answer.text
    session.headers["X-CSRFToken"] = answer.json()["csrf_token"]
    return session


def origins(nginx: Nginx) -> set[str]:
    """The addresses in the lines that tell of submissions."""
    lines = [json.loads(line) for line in nginx.logged().splitlines()]
    return {line["client"] for line in lines if line["path"] == "/public/leads"}


def test_the_main_job(nginx):
    receipt = submit(nginx)
    assert receipt.status_code == 201, receipt.text
    lead = f"{nginx.address}/internal/leads/{receipt.json()['id']}"
    session = signed_in(nginx)
    listed = session.get(f"{nginx.address}/internal/leads", params={"q": "jane"}, timeout=60).json()["items"]
    assert receipt.json()["id"] in [one["id"] for one in listed]
    assert session.get(f"{lead}/resume", timeout=60).content == PDF
    changed = session.patch(lead, json={"status": "REACHED_OUT"}, timeout=60)
    assert changed.json()["status"] == "REACHED_OUT"


def test_a_resume_of_ten_megabytes_passes_and_one_byte_more_is_told_so_by_us(nginx):
    limit = 10 * MB
    largest = PDF + b"\n" * (limit - len(PDF))
    taken = submit(nginx, largest)
    assert taken.status_code == 201, taken.text
    assert taken.json()["resume"]["size"] == limit
    refused = submit(nginx, largest + b"\n")
    assert refused.status_code == 413
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert submit(nginx, largest + b"\n" * MB).status_code == 413


def test_a_form_too_large_comes_back_with_everything_typed(nginx):
    for number in range(3):
        refused = submit(nginx, PDF + b"\n" * 20 * MB, source=f"127.0.0.{30 + number}", Accept="text/html")
        assert refused.status_code == 413
        assert 'value="jane@example.com"' in refused.text


def test_the_proxy_takes_what_the_service_takes():
    most = create_app(INSTANCE_PATH="/nowhere-that-is-made", SECRET_KEY="k" * 40).config["MAX_CONTENT_LENGTH"]
    (size,) = re.findall(r"location = /public/leads \{\s+client_max_body_size (\d+)m;", SHIPPED.read_text())
    assert int(size) * MB >= most


def test_300_half_open_clients_keep_nobody_waiting(nginx, server):
    context = ssl.create_default_context(cafile=str(nginx.certificate))
    request = begun("/public/leads", "multipart/form-data; boundary=x", 100_000, sent=b"--x\r\n")
    clients = []
    refused = server.log.read_text().count("status=429")
    try:
        for _ in range(300):
            plain = socket.create_connection(("127.0.0.1", nginx.port), 10)
            clients.append(context.wrap_socket(plain, server_hostname=NAME))
            clients[-1].sendall(request)
        assert requests.get(f"{server.address}/healthz", timeout=1).status_code == 200
        assert nginx.client("127.0.0.2").get(f"{nginx.address}/healthz", timeout=1).status_code == 200
        assert submit(nginx, source="127.0.0.2").status_code == 201
    finally:
        for client in clients:
            client.close()
    assert server.log.read_text().count("status=429") == refused  # none of them came as far as us


class TestWhoAsks:
    """What a client says about itself is not passed on, in whatever spelling."""

    SPELLINGS = ("X-Forwarded-For", "X_Forwarded_For", "X-Forwarded_For", "Forwarded", "X-Real-IP")

    def test_nobody_gets_a_fresh_start_by_a_header(self, nginx):
        told = []
        for number in range(41):
            name = self.SPELLINGS[number % len(self.SPELLINGS)]
            value = f"for=192.0.2.{number}" if name == "Forwarded" else f"192.0.2.{number}"
            told.append(submit(nginx, b"", source="127.0.0.3", **{name: value}).status_code)
        assert told == [422] * 40 + [429]
        assert submit(nginx, source="127.0.0.4").status_code == 201
        assert "127.0.0.3" in origins(nginx)

    def test_a_host_of_ones_own_is_not_served(self, nginx):
        answer = nginx.client().get(
            f"{nginx.address}/",
            headers={"X-Forwarded-Host": "evil.example", "X_Forwarded_Host": "evil.example"},
            timeout=60,
        )
        assert answer.status_code == 200
        assert "evil.example" not in answer.text


@pytest.mark.parametrize("path", ["/metrics", "/metrics?x=1", "//metrics", "/%6detrics", "/x/../metrics"])
def test_metrics_are_closed(nginx, path):
    context = ssl.create_default_context(cafile=str(nginx.certificate))
    with (
        socket.create_connection(("127.0.0.1", nginx.port), 10) as plain,
        context.wrap_socket(plain, server_hostname=NAME) as secure,
    ):
        secure.sendall(f"GET {path} HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n".encode())
        status = int(secure.recv(4096).split()[1])
    assert status in {403, 404}


def test_logs_name_no_query_and_no_secret_link(nginx):
    client = nginx.client()
    for path in (
        "/?q=secret-words",
        "/account/secret-token",
        "/unsubscribe/01890000-0000-7000-8000-00000000cafe",
    ):
        client.get(nginx.address + path, headers={"Referer": "https://x.example/?secret-words"}, timeout=60)
    client.post(f"{nginx.address}/public/leads?secret-words", data=b"x" * 11 * MB, timeout=60)
    logged = nginx.logged() + (nginx.folder / "leadintake-error.log").read_text()
    assert '"path":"/account/-"' in logged
    assert '"path":"/unsubscribe/-"' in logged
    assert not re.search("secret|cafe|[?]", logged)


def test_another_name_and_another_scheme_are_not_served(nginx):
    moved = requests.get(f"http://{NAME}:{nginx.plain}/docs?x=1", allow_redirects=False, timeout=60)
    assert (moved.status_code, moved.headers["Location"]) == (308, f"https://{NAME}/docs?x=1")
    odd = f"http://{NAME}:{nginx.plain}/a%0D%0AX-Evil:%20yes"
    answer = requests.get(odd, allow_redirects=False, timeout=60)
    assert "X-Evil" not in answer.headers, "line ends of an address are none of a header"
    assert answer.headers["Location"] == f"https://{NAME}/a%0D%0AX-Evil:%20yes"
    context = ssl.create_default_context(cafile=str(nginx.certificate))
    with (
        socket.create_connection(("127.0.0.1", nginx.port), 10) as plain,
        pytest.raises(ssl.SSLError),
    ):
        context.wrap_socket(plain, server_hostname="another.example")


def test_a_crowd_of_one_address_is_told_when_to_come_back(nginx):
    context = ssl.create_default_context(cafile=str(nginx.certificate))
    request = begun("/internal/session", "application/json", 1000)
    clients = []
    try:
        for _ in range(65):
            plain = socket.create_connection(("127.0.0.1", nginx.port), 10, source_address=("127.0.0.5", 0))
            clients.append(context.wrap_socket(plain, server_hostname=NAME))
            clients[-1].sendall(request)
        clients[-1].settimeout(20)
        head = clients[-1].recv(4096).decode()
    finally:
        for client in clients:
            client.close()
    assert head.startswith("HTTP/1.1 429")
    assert "\r\nRetry-After: 5\r\n" in head
