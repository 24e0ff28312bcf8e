"""The strict reading of forms, at every address: what is cut or garbled is 400, never guessed at."""

from __future__ import annotations

import errno
import gc

import pytest
from flask import request
from hypothesis import HealthCheck
from hypothesis import given as given_that
from hypothesis import strategies as st
from werkzeug.sansio.multipart import MultipartDecoder

from leadintake.core.http.forms import Delimiter
from leadintake.leads.models import Lead
from tests.documents.inspection.examples import examples
from tests.support.leads import BOUNDARY, MULTIPART, body_of, good_parts, part, post_parts
from tests.support.views import serve


@pytest.fixture(autouse=True)
def _swept():
    """Let a file that a refused body left open complain in the test that left it."""
    yield
    gc.collect()


@pytest.fixture
def echo(app, client):
    """Post a body to a view that says what it read, and what it was answered."""

    def view():
        return {
            "form": request.form.to_dict(flat=False),
            "files": [file.filename for file in request.files.values()],
        }

    serve(app, view, files=True)
    return lambda body, content_type=MULTIPART: client.post("/test", data=body, content_type=content_type)


def test_a_whole_body_is_read_as_it_was_written(echo):
    answer = echo(body_of(part("name", "Zoë"), part("name", "twice"), part("file", b"x", "cv.pdf")))
    assert answer.json == {"form": {"name": ["Zoë", "twice"]}, "files": ["cv.pdf"]}


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (body_of(part("name", "x"), end=False), MULTIPART),
        (b"no multipart at all", MULTIPART),
        (body_of(part("name", "x")), "multipart/form-data"),
        (body_of(part("name", "x")), "multipart/form-data; boundary="),
        (body_of(part("name", "x")), "multipart/form-data; boundary=\u00e9"),
        (b"name=%ff\xff", "application/x-www-form-urlencoded"),
    ],
)
def test_what_cannot_be_read_is_400_and_not_an_empty_form(body, content_type, echo):
    answer = echo(body, content_type)
    assert answer.status_code == 400
    assert answer.content_type == "application/problem+json"


def test_more_parts_than_a_form_has_are_413(echo):
    assert echo(body_of(*[part(f"field{number}", "x") for number in range(51)])).status_code == 413


def test_a_field_as_long_as_a_file_is_413(echo):
    assert echo(body_of(part("name", "x" * 600_000))).status_code == 413


def test_what_follows_the_end_is_not_read_as_more(client, rows):
    hidden = part("email", "another@example.com")
    answer = client.post(
        "/public/leads", data=body_of(*good_parts().values()) + hidden, content_type=MULTIPART
    )
    assert answer.status_code in {201, 400}
    assert [lead.email for lead in rows(Lead)] in ([], ["jane@example.com"])


@examples(150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given_that(data=st.data())
def test_a_garbled_body_is_never_a_failure(client, data):
    body = bytearray(body_of(*good_parts(email=part("email", "never valid")).values()))
    for _ in range(data.draw(st.integers(1, 8))):
        position = data.draw(st.integers(0, len(body) - 1))
        body[position : position + data.draw(st.integers(0, 3))] = data.draw(
            st.sampled_from(
                [b"", b"\r", b"\n", b"\r\n", b"--", b"\x00", b"\xff", b'"', b";", b"=", BOUNDARY.encode()]
            )
        )
    answer = client.post("/public/leads", data=bytes(body), content_type=MULTIPART)
    assert answer.status_code in {400, 413, 422}, answer.text


@pytest.mark.parametrize("charset", ["utf-7", "utf-16", "latin-1", "no-such-charset", "punycode", "rot13"])
def test_a_part_may_name_any_encoding_and_breaks_nothing(charset, client):
    line = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="first_name"\r\n'
    odd = f"{line}Content-Type: text/plain; charset={charset}\r\n\r\n".encode() + b"+AGE-\xe9\r\n"
    answer = post_parts(client, *good_parts(first_name=odd).values())
    assert answer.status_code in {201, 422}


def test_a_full_disk_below_a_large_upload_is_503_not_a_fault(client, monkeypatch):
    def no_room(*_arguments, **_options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("leadintake.web.SpooledTemporaryFile", no_room)
    answer = client.submit()
    assert answer.status_code == 503
    assert "Retry-After" in answer.headers


def test_headers_before_a_part_are_read_as_far_as_a_form_has_them(echo):
    for size, status in ((16_000, 200), (16_600, 413)):
        assert echo(body_of(part("x" * size, "1"))).status_code == status, size


def test_headers_before_all_parts_together_are_read_as_far_as_a_form_has_them(echo):
    for count, status in ((10, 200), (11, 413)):
        assert echo(body_of(*[part("x" * 3_000, "1") for _ in range(count)])).status_code == status, count


def test_texts_together_are_as_long_as_a_form_has_them_and_files_as_long_as_files(echo):
    for size, status in ((60_000, 200), (70_000, 413)):
        assert (
            echo(body_of(*[part(f"field{number}", "x" * size) for number in range(4)])).status_code == status
        )
    assert echo(body_of(part("resume_file", "x" * 2_000_000, "resume.txt"))).status_code == 200


def test_a_file_name_of_any_script_fits_before_its_part_however_it_is_written(echo):
    for name in ("履" * 250 + ".pdf", "🦊" * 250 + ".pdf"):
        assert echo(body_of(part("resume_file", "x", name))).status_code == 200


TEXTS = st.text(st.sampled_from("\r\n- \tbx"), max_size=40).map(str.encode)


@examples(2000)
@given_that(
    before=TEXTS,
    middle=TEXTS,
    after=TEXTS,
    position=st.integers(0, 50),
    boundary=st.sampled_from(["b", "b-", "--"]),
)
def test_a_delimiter_is_found_where_werkzeugs_pattern_finds_it(before, middle, after, position, boundary):
    name = boundary.encode()
    data = before + b"--" + name + middle + b"\r\n--" + name + after
    theirs = MultipartDecoder(name)
    for pattern, at_line_begin in ((theirs.preamble_re, False), (theirs.boundary_re, True)):
        expected, found = (
            pattern.search(data, position),
            Delimiter(name, at_line_begin=at_line_begin).search(data, position),
        )
        assert (expected is None) == (found is None)
        if expected:
            assert (found.start(), found.end(), found.group(1)) == (*expected.span(), expected[1])
