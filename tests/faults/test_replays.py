"""The same submission many times at once, to two servers: one lead, and the same answer for everybody."""

from __future__ import annotations

import hashlib
import json
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass

import pytest
import requests

from tests.factories import UserFactory
from tests.support.client import PASSWORD
from tests.support.leads import MULTIPART, body_of, good_parts, part, together
from tests.support.ledger import LONG, audit, file_of, files_in, record
from tests.support.mailserver import HOST
from tests.support.server import serving, wait_until

CLIENTS = 24 if LONG else 12
ATTORNEY = "amara@firm.example.com"
KEY = "one-and-the-same"
PARTS = good_parts(resume_file=part("resume_file", file_of(1), "resume.pdf"))
OTHERS_OWN = {"id", "reference", "created_at", "email"}
"""What differs between two receipts."""
EVERY_TIME_NEW = {"date", "x-request-id"}


@pytest.fixture
def servers(app, given, database_url, tmp_path):
    given(UserFactory, email=ATTORNEY)
    with serving(database_url, tmp_path) as one, serving(database_url, tmp_path) as another:
        yield one, another


@dataclass(frozen=True)
class Told:
    """An answer to a submission."""

    status: int
    headers: Mapping[str, str]
    body: dict

    @property
    def replayed(self) -> bool:
        """Whether it says that the submission was here before."""
        return self.headers.get("Idempotency-Replayed") == "true"


def post(server, parts: Mapping[str, bytes] = PARTS, key: str | None = KEY) -> Told:
    """Submit, and again for as long as an equal submission is being received."""
    headers = {"Content-Type": MULTIPART} | ({"Idempotency-Key": key} if key else {})
    while True:
        body = body_of(*parts.values())
        answer = requests.post(f"{server.address}/public/leads", data=body, headers=headers, timeout=30)
        if answer.status_code != 409:
            return Told(answer.status_code, answer.headers, answer.json())
        threading.Event().wait(float(answer.headers["Retry-After"]))


def hang_up(server) -> None:
    """Send all of a submission and leave before the answer."""
    body = body_of(*PARTS.values())
    head = (
        f"POST /public/leads HTTP/1.1\r\nHost: {HOST}:{server.port}\r\nIdempotency-Key: {KEY}\r\n"
        f"Content-Type: {MULTIPART}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((HOST, server.port)) as connection:
        connection.sendall(head.encode() + body)


def settled(servers, acknowledged, database_url, tmp_path):
    """Wait until every message was sent; what the books say then."""
    uploads = tmp_path / "instance" / "uploads"
    books = lambda: audit(acknowledged, database_url, uploads)
    wait_until(lambda: books().delivered == len(acknowledged), "every message is sent")
    for server in servers:
        assert server.stop() == 0
    assert len(files_in(uploads)) == len(acknowledged)
    report = books()
    report.assert_kept()
    return report


def sum_of(number: int) -> str:
    """The SHA-256 of a prospect's file."""
    return hashlib.sha256(file_of(number)).hexdigest()


@pytest.mark.every_engine
def test_one_key_from_many_at_once_is_one_lead_and_one_answer_even_if_half_of_them_hang_up(
    servers, database_url, tmp_path, engine_name
):
    def client(which: int):
        server = servers[which // 2 % 2]
        return lambda: hang_up(server) if which % 2 else post(server)

    told = [one for one in together(*map(client, range(CLIENTS))) if one is not None]
    later = [post(server) for server in servers]
    assert len(told) == CLIENTS // 2
    assert {one.status for one in told + later} == {201}
    assert {json.dumps(one.body, sort_keys=True) for one in told + later} == {
        json.dumps(told[0].body, sort_keys=True)
    }
    assert sum(not one.replayed for one in told) <= 1  # the first of all may have hung up
    assert all(one.replayed for one in later)
    (listed,) = leads_of(servers[0])
    assert listed["id"] == told[0].body["id"]
    report = settled(servers, {listed["id"]: sum_of(1)}, database_url, tmp_path)
    assert len(list((tmp_path / "instance" / "mail").glob("*.eml"))) == 2
    record(report, f"{CLIENTS} equal submissions at once to two servers", engine_name)


@pytest.mark.every_engine
def test_a_double_click_without_a_key_is_two_leads_that_name_each_other(
    servers, database_url, tmp_path, engine_name
):
    told = together(*(lambda server=server: post(server, key=None) for server in servers))
    assert [one.status for one in told] == [201, 201]
    ids = [one.body["id"] for one in told]
    assert len(set(ids)) == 2
    with signed_in(servers[0]) as attorney:
        named = [attorney.get(f"{servers[0].address}/internal/leads/{one}").json() for one in ids]
    assert [one["duplicates"] for one in named] == [[ids[1]], [ids[0]]]
    report = settled(servers, dict.fromkeys(ids, sum_of(1)), database_url, tmp_path)
    record(report, "double click without a key", engine_name)


def test_a_key_that_comes_with_other_content_at_once_is_refused_by_both_servers(
    servers, database_url, tmp_path, engine_name
):
    other = PARTS | {"first_name": part("first_name", "Joan")}
    both = together(lambda: post(servers[0]), lambda: post(servers[1], other))
    assert sorted(one.status for one in both) == [201, 422]
    taken, refused = sorted(both, key=lambda one: one.status)
    assert list(refused.body["errors"]) == ["submission_id"]
    report = settled(servers, {taken.body["id"]: sum_of(1)}, database_url, tmp_path)
    record(report, "one key, two contents, two servers", engine_name)


def test_an_address_we_know_is_answered_exactly_like_a_new_one(servers, database_url, tmp_path, engine_name):
    first = post(servers[0], key="first")
    known = post(servers[0], key="second")
    new = post(servers[0], PARTS | {"email": part("email", "joan@example.com")}, key="third")
    assert {one.status for one in (first, known, new)} == {201}
    assert first.body.keys() == known.body.keys() == new.body.keys()
    same = [
        {name: value for name, value in one.body.items() if name not in OTHERS_OWN} for one in (known, new)
    ]
    assert same[0] == same[1]
    heads = [
        {name: value for name, value in one.headers.items() if name.lower() not in EVERY_TIME_NEW}
        for one in (known, new)
    ]
    assert heads[0] == heads[1]
    assert list(known.headers) == list(new.headers)
    acknowledged = {one.body["id"]: sum_of(1) for one in (first, known, new)}
    record(settled(servers, acknowledged, database_url, tmp_path), "a known address", engine_name)


def signed_in(server) -> requests.Session:
    """A session of the attorney."""
    attorney = requests.Session()
    account = {"email": ATTORNEY, "password": PASSWORD}
    answer = attorney.post(f"{server.address}/internal/session", json=account, timeout=30)
    assert answer.status_code == 200, answer.text
    return attorney


def leads_of(server) -> list[dict]:
    """All leads, as an attorney sees them."""
    with signed_in(server) as attorney:
        return attorney.get(f"{server.address}/internal/leads", timeout=30).json()["items"]
