"""What the tests about leads share: bodies written by hand, races, and whether nothing stayed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from flask import Flask

from leadintake.documents.models import Document
from leadintake.leads.intake.corrections import sign
from leadintake.leads.models import Lead, LeadEvent
from leadintake.notifications.models import Notification
from tests.support.client import PDF, Client

BOUNDARY = "a-line-between-parts"
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"
WORK = ("note", "contact", "reply", "outcome", "follow_up", "tag")
"""What its attorney may always do with a lead (LeadDetail.allowed)."""


def thanks_for(app: Flask, key: Any) -> str:
    """The address of the thank-you page of a lead, by its reference or id."""
    with app.app_context():
        return f"/thanks/{key}/{sign(key)}"


def files_of(app: Flask) -> list[str]:
    """The names of all files in the storage, unfinished ones too."""
    with app.app_context():
        return sorted(app.extensions["leadintake.storage"].names())


def nothing_is_kept(app: Flask, rows: Callable[[Any], list[Any]]) -> bool:
    """Whether there is no row, no file and no message."""
    return not any((*map(rows, (Lead, Document, Notification, LeadEvent)), files_of(app)))


def part(name: str, value: str | bytes, filename: str | bytes | None = None) -> bytes:
    """One part of a multipart body, written without any library's help or scruples."""
    named = filename.encode() if isinstance(filename, str) else filename
    head = b'Content-Disposition: form-data; name="%s"' % name.encode()
    if named is not None:
        head += b'; filename="%s"\r\nContent-Type: application/octet-stream' % named
    content = value.encode() if isinstance(value, str) else value
    return b"--%s\r\n%s\r\n\r\n%s\r\n" % (BOUNDARY.encode(), head, content)


def good_parts(**changes: bytes | None) -> dict[str, bytes]:
    """The parts of a good form by name; `changes` replace parts, None leaves one out."""
    parts = {
        "first_name": part("first_name", "Jane"),
        "last_name": part("last_name", "Doe"),
        "email": part("email", "jane@example.com"),
        "resume_file": part("resume_file", PDF, "resume.pdf"),
        **changes,
    }
    return {name: written for name, written in parts.items() if written is not None}


def body_of(*parts: bytes, end: bool = True) -> bytes:
    """A multipart body; without `end` it is cut before its last line."""
    return b"".join(parts) + (b"--%s--\r\n" % BOUNDARY.encode() if end else b"")


def post_parts(client: Client, *parts: bytes, end: bool = True, **headers: str) -> Any:
    """Post a body made of `parts`."""
    return client.post(
        "/public/leads", data=body_of(*parts, end=end), content_type=MULTIPART, headers=headers
    )


def together(*jobs: Callable[[], Any]) -> list[Any]:
    """Do all jobs at the same moment, each in a thread of its own; their results in order."""
    start = threading.Barrier(len(jobs))

    def begin(job: Callable[[], Any]) -> Any:
        start.wait(timeout=10)
        return job()

    with ThreadPoolExecutor(len(jobs)) as threads:
        begun = [threads.submit(begin, job) for job in jobs]
        return [one.result(timeout=60) for one in begun]


def walk(client: Client, address: str) -> Iterator[Any]:
    """Every page of a list, by its Link headers."""
    while True:
        answer = client.get(address)
        assert answer.status_code == 200, answer.text
        yield answer
        link = answer.headers.get("Link")
        if link is None:
            assert answer.json["next_cursor"] is None
            return
        address, _, relation = link.removeprefix("<").partition(">")
        assert relation == '; rel="next"'
        assert answer.json["next_cursor"]


def ids_of(answer: Any) -> list[str]:
    """The ids of a page of leads, in its order."""
    return [item["id"] for item in answer.json["items"]]
