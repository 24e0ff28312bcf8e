"""GET /internal/leads/{id}/resume: the bytes as submitted, under the name they came with."""

from __future__ import annotations

import io
from urllib.parse import unquote

import pytest
from werkzeug.http import parse_options_header

from leadintake.core.db.types import new_id
from leadintake.documents.models import Document
from tests.documents.inspection.pdfs import pdf, pdf_stream
from tests.factories import DocumentFactory, LeadFactory, UserFactory
from tests.support.client import PDF
from tests.support.leads import files_of, good_parts, part, post_parts

BASE = "/internal/leads"
NAMES = (
    "resume.pdf", "履歴書.pdf", "Résumé (final).pdf", "سيرة ذاتية.pdf", "🧑‍⚖️.pdf", "it's 100% \"mine\".pdf",
    "a;b=c,d.pdf", "back\\slash.pdf", "%41%0d%0aSet-Cookie.pdf", "x" * 251 + ".pdf", "山" * 251 + ".pdf",
)  # fmt: skip


@pytest.fixture
def reader(browser, given):
    """Somebody who may only read."""
    return browser().sign_in(given(UserFactory, "viewer"))


@pytest.fixture
def address(given):
    return f"{BASE}/{given(LeadFactory).id}/resume"


def fetch(reader, address: str, method: str = "get", **headers: str):
    """Ask for the file, and read all of it."""
    answer = getattr(reader, method)(address, headers=headers)
    _ = answer.data
    answer.close()
    return answer


@pytest.mark.every_engine
def test_the_bytes_come_back_as_they_were_sent(reader, client):
    content = pdf(pdf_stream(bytes(range(256)) * 4000)) + b"\r\n"
    sent = post_parts(client, *good_parts(resume_file=part("resume_file", content, "cv.pdf")).values())
    answer = fetch(reader, f"{BASE}/{sent.json['id']}/resume")
    assert answer.status_code == 200
    assert answer.data == content
    assert answer.content_type == "application/pdf"
    assert answer.headers["Content-Length"] == str(len(content))


def test_it_is_a_download_that_nothing_keeps_guesses_at_or_runs(reader, address):
    headers = fetch(reader, address).headers
    assert headers["Content-Disposition"].startswith("attachment;")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    policy = [rule.strip() for rule in headers["Content-Security-Policy"].split(";")]
    assert "sandbox" in policy
    assert "default-src 'none'" in policy


@pytest.mark.parametrize("name", NAMES)
def test_the_name_is_told_to_old_and_new_readers(reader, given, name):
    lead = given(LeadFactory, resume=given(DocumentFactory, filename=name))
    header = fetch(reader, f"{BASE}/{lead.id}/resume").headers["Content-Disposition"]
    assert header.isascii()
    plain, _, extended = header.partition("; filename*=UTF-8''")
    assert unquote(extended, errors="strict") == name
    kind, options = parse_options_header(plain)
    assert kind == "attachment"
    assert options["filename"].endswith(".pdf")
    # RFC 6266, appendix D: no percent sign and no backslash, which readers understand differently.
    assert not set('%\\"') & set(options["filename"])


@pytest.mark.parametrize(
    "name", ["two\r\nSet-Cookie: a=b\r\n.pdf", "nul\x00.pdf", "tab\t.pdf", "esc\x1b.pdf", "\u2028.pdf"]
)
def test_a_name_that_should_never_have_been_kept_breaks_nothing(reader, given, name):
    if "\x00" in name:
        name = name.replace("\x00", "\x01")  # PostgreSQL keeps no NUL
    lead = given(LeadFactory, resume=given(DocumentFactory, filename=name))
    answer = fetch(reader, f"{BASE}/{lead.id}/resume")
    assert (answer.status_code, answer.data) == (200, PDF)
    assert "Set-Cookie" not in answer.headers
    assert reader.get(f"{BASE}/{lead.id}").json["resume"]["filename"] == name


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-9", 0, 9),
        ("bytes=5-", 5, None),
        ("bytes=-7", -7, None),
        ("bytes=0-", 0, None),
        ("bytes=10-99999", 10, None),
    ],
)
def test_a_range_is_answered_with_that_range(reader, address, asked, first, last):
    answer = fetch(reader, address, Range=asked)
    wanted = PDF[first : None if last is None else last + 1]
    start = first if first >= 0 else len(PDF) + first
    assert answer.status_code == 206
    assert answer.data == wanted
    assert answer.headers["Content-Range"] == f"bytes {start}-{start + len(wanted) - 1}/{len(PDF)}"
    assert answer.headers["Content-Length"] == str(len(wanted))
    assert answer.headers["Content-Disposition"].startswith("attachment")


def test_a_range_beyond_the_end_is_416_and_says_how_much_there_is(reader, address):
    answer = fetch(reader, address, Range=f"bytes={len(PDF)}-")
    assert answer.status_code == 416
    assert answer.headers["Content-Range"] == f"bytes */{len(PDF)}"
    assert answer.content_type == "application/problem+json"


def test_a_range_nobody_understands_is_ignored(reader, address):
    for asked in ("lines=1-2", "bytes=0-1,3-4"):  # RFC 9110, 14.2
        answer = fetch(reader, address, Range=asked)
        assert (answer.status_code, answer.data) == (200, PDF), asked
    for asked in ("bytes=x", "bytes=9-1", "", "nonsense"):
        assert fetch(reader, address, Range=asked).status_code in {200, 416}, asked


def test_a_download_goes_on_only_while_the_file_is_the_same(reader, address):
    etag = fetch(reader, address).headers["ETag"]
    resumed = fetch(reader, address, **{"Range": "bytes=5-", "If-Range": etag})
    assert (resumed.status_code, resumed.data) == (206, PDF[5:])
    other = fetch(reader, address, **{"Range": "bytes=5-", "If-Range": '"other"'})
    assert (other.status_code, other.data) == (200, PDF)
    assert fetch(reader, address, **{"If-None-Match": etag}).status_code == 304


def test_head_says_the_same_without_the_bytes(reader, address):
    head, whole = fetch(reader, address, "head"), fetch(reader, address)
    assert (head.status_code, head.data) == (200, b"")
    for name in ("Content-Length", "Content-Type", "Content-Disposition", "ETag", "Accept-Ranges"):
        assert head.headers[name] == whole.headers[name]
    assert whole.headers["Accept-Ranges"] == "bytes"


@pytest.mark.parametrize("asked", ["1", "true"])
def test_a_pdf_may_be_shown_in_place(reader, address, asked):
    header = fetch(reader, f"{address}?inline={asked}").headers["Content-Disposition"]
    assert header.startswith("inline;")
    assert "resume.pdf" in header


def test_nothing_but_a_pdf_is_ever_shown_in_place(reader, client):
    for content, name in ((b"plain words", "cv.txt"), (b"{\\rtf1 words}", "cv.rtf")):
        sent = client.submit(resume_file=(io.BytesIO(content), name))
        answer = fetch(reader, f"{BASE}/{sent.json['id']}/resume?inline=1")
        assert answer.data == content
        assert answer.headers["Content-Disposition"].startswith("attachment;")


def test_inline_takes_yes_or_no_and_nothing_else_is_taken(reader, address):
    assert fetch(reader, f"{address}?inline=0").headers["Content-Disposition"].startswith("attachment")
    for query in ("inline=2", "inline=", "inline=1&inline=1", "download=1"):
        answer = reader.get(f"{address}?{query}")
        assert (answer.status_code, answer.content_type) == (422, "application/problem+json"), query


def test_a_file_that_is_gone_is_503_and_the_lead_is_still_there(app, reader, address):
    with app.app_context():
        for name in files_of(app):
            app.extensions["leadintake.storage"].delete(name)
    for answer in (
        fetch(reader, address),
        fetch(reader, address, "head"),
        fetch(reader, address, Range="bytes=0-1"),
    ):
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert answer.content_type == "application/problem+json"
    assert reader.get(address.removesuffix("/resume")).status_code == 200


def test_a_lead_that_is_not_there_has_no_file(reader, client, address, rows):
    assert reader.get(f"{BASE}/{new_id()}/resume").status_code == 404
    assert reader.get(f"{BASE}/{rows(Document)[0].id}/resume").status_code == 404
    assert client.get(address).status_code == 401


def test_a_reader_who_leaves_halfway_leaves_nothing_open(app, reader, client):
    content = pdf(pdf_stream(b"x" * 400_000))
    sent = post_parts(client, *good_parts(resume_file=part("resume_file", content, "cv.pdf")).values())
    answer = reader.get(f"{BASE}/{sent.json['id']}/resume")
    assert len(next(answer.iter_encoded())) < len(content)
    answer.close()  # a file left open would raise a ResourceWarning
    with app.app_context():
        assert app.extensions["sqlalchemy"].engine.pool.checkedout() == 0
