"""Half-sent requests and forged headers, with the servers we document: raw bytes, real threads."""

from __future__ import annotations

import pytest
import requests

from tests.support.client import PDF
from tests.support.engines import migrated_database
from tests.support.halfopen import JSON, MULTIPART, begun, half_open, statuses
from tests.support.server import Server, serving, wait_until

KINDS = ["granian", "gunicorn"]
SETTINGS = {"TRUSTED_PROXIES": "1", "RATE_LIMIT_LOGINS": "3 per minute"}
OTHER = {"X-Forwarded-For": "198.51.100.7"}
FORM = begun("/desk/sign-in", "application/x-www-form-urlencoded", sent=b"email=")
FORGOTTEN = begun("/desk/forgotten", "application/x-www-form-urlencoded", None, sent=b"email=")


@pytest.fixture(scope="module", params=KINDS)
def server(request, tmp_path_factory):
    """A server behind one proxy, which these tests play."""
    folder = tmp_path_factory.mktemp("served")
    with (
        migrated_database("sqlite", folder) as url,
        serving(
            url, folder, kind=request.param, TRUSTED_PROXIES="1", RATE_LIMIT_LOGINS="3 per minute"
        ) as server,
    ):
        yield server


def submit(server: Server, content: bytes = PDF, **headers: str) -> requests.Response:
    fields = {"first_name": "Jane", "last_name": "Doe", "email": "jane@example.com"}
    files = {"resume_file": ("resume.pdf", content)}
    return requests.post(
        f"{server.address}/public/leads", data=fields, files=files, headers=headers, timeout=60
    )


def is_alive(server: Server) -> bool:
    """Whether both questions are answered, each within a second."""
    return all(requests.get(server.address + path, timeout=1).ok for path in ("/healthz", "/readyz"))


def test_sixteen_half_sent_bodies_are_all_that_one_address_may_leave_on_all_routes_together(server):
    with (
        half_open(server.port, 4, MULTIPART),
        half_open(server.port, 4, JSON),
        half_open(server.port, 4, FORM),
        half_open(server.port, 4, FORGOTTEN) as last,
    ):
        wait_until(lambda: submit(server).status_code == 429, "sixteen are held")
        for request in (MULTIPART, JSON, FORM, FORGOTTEN):
            with half_open(server.port, 1, request) as (client,):
                head = client.head()
                assert head.split()[1] == "429"
                assert "retry-after:" in head.lower()
        assert submit(server, **OTHER).status_code == 201
        assert is_alive(server)
        last[0].close()
        wait_until(lambda: submit(server).status_code == 201, "one may come again")


@pytest.mark.parametrize("number", [64, 300])
def test_a_crowd_of_half_open_clients_of_one_address_stops_nobody(server, number):
    with half_open(server.port, number, MULTIPART) as clients:
        wait_until(lambda: requests.get(f"{server.address}/healthz", timeout=30).ok, "they are all there")
        assert set(statuses(clients, number - 16)) == {429}
        assert is_alive(server)
        assert submit(server, **OTHER).status_code == 201
        assert submit(server).status_code == 429
    wait_until(lambda: submit(server).status_code == 201, "the address may come again")


def test_heads_that_do_not_end_stop_nobody(server):
    with half_open(server.port, 300, b"POST /public/leads HTTP/1.1\r\nHost: localhost\r\nX-Slow: "):
        assert is_alive(server)
        assert submit(server).status_code == 201


def test_what_is_refused_unread_is_answered_while_it_is_sent_and_never_read_as_another_request(server):
    hidden = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with half_open(server.port, 16, MULTIPART):
        wait_until(lambda: submit(server).status_code == 429, "sixteen are held")
        for length in (len(hidden), None):
            request = begun("/internal/session", "application/json", length, sent=hidden)
            with half_open(server.port, 1, request) as (client,):
                received = client.everything(2)
            assert received.split()[1] == b"429"
            assert b"HTTP/1.1 200" not in received


UNKNOWN = "/unsubscribe/01890000-0000-7000-8000-000000000000"


@pytest.mark.parametrize("path", ["/none", "/internal/leads", "/healthz", UNKNOWN])
def test_who_reads_no_body_waits_for_none(server, path):
    with half_open(server.port, 1, begun(path, "application/json")) as (client,):
        assert client.status() in {401, 404, 405}


def test_signing_in_is_counted_by_what_the_proxy_says_and_nothing_else(server):
    """A client's own line comes before the proxy's: proxies that keep it append theirs."""
    told = []
    for number in range(4):
        lines = f"X-Forwarded-For: 192.0.2.{number}\r\nX-Forwarded-For: 203.0.113.9\r\nConnection: close\r\n"
        body = b'{"email": "nobody@example.com", "password": "wrong"}'
        request = begun("/internal/session", "application/json", len(body), head=lines, sent=body)
        with half_open(server.port, 1, request) as (client,):
            told.append(client.status())
    assert told == [401, 401, 401, 429]


def test_http_2_is_not_spoken_without_tls(server):
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
    with half_open(server.port, 1, preface) as (client,):
        answer = client.everything(5)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400")


def test_a_refusal_reaches_a_client_that_is_still_sending(server):
    with half_open(server.port, 16, MULTIPART):
        wait_until(lambda: submit(server).status_code == 429, "sixteen are held")
        for _ in range(5):
            large = submit(server, PDF + b"\n" * 8_000_000)
            assert large.status_code == 429
            assert large.headers["Retry-After"]
