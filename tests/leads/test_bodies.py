"""Bodies that are of another kind, cut, garbled or too large: refused early, and nothing stays."""

from __future__ import annotations

import gzip
import io
import tempfile

import pytest

from leadintake.leads.models import Lead
from tests.support.client import PDF, filled
from tests.support.leads import BOUNDARY, MULTIPART, body_of, good_parts, nothing_is_kept, part, post_parts

ADDRESS = "/public/leads"
ONE_MB = 1024 * 1024


@pytest.fixture
def settings():
    return {"MAX_UPLOAD_BYTES": ONE_MB}


def is_problem(answer, status: int) -> bool:
    """Whether the answer is the one shape of an error, with this status inside and outside."""
    assert answer.status_code == status, answer.text
    assert answer.content_type == "application/problem+json"
    assert answer.json["status"] == status
    assert answer.json["instance"] == ADDRESS
    return answer.json["request_id"] == answer.headers["X-Request-Id"]


def test_a_body_written_by_hand_is_taken(client, rows):
    assert post_parts(client, *good_parts().values()).status_code == 201
    assert len(rows(Lead)) == 1


def test_json_and_other_kinds_of_body_are_415(client, app, rows):
    texts = {name: value for name, value in filled().items() if name != "resume_file"}
    assert is_problem(client.post(ADDRESS, json=texts), 415)
    assert is_problem(client.post(ADDRESS, data=texts), 415)  # application/x-www-form-urlencoded
    assert is_problem(client.post(ADDRESS, data=PDF, content_type="application/pdf"), 415)
    assert is_problem(
        client.post(ADDRESS, data=body_of(), content_type=MULTIPART.replace("form-data", "mixed")), 415
    )
    assert is_problem(client.post(ADDRESS), 415)
    assert nothing_is_kept(app, rows)


def test_a_compressed_body_is_415_even_where_it_would_fit(client, app, rows):
    body = gzip.compress(body_of(*good_parts().values()))
    for coding in ("gzip", "br", "deflate"):
        answer = client.post(ADDRESS, data=body, content_type=MULTIPART, headers={"Content-Encoding": coding})
        assert is_problem(answer, 415)
    assert nothing_is_kept(app, rows)


def test_a_multipart_body_without_a_boundary_is_400(client, app, rows):
    body = body_of(*good_parts().values())
    for content_type in (
        "multipart/form-data",
        "multipart/form-data; boundary=",
        'multipart/form-data; boundary=""',
    ):
        assert is_problem(client.post(ADDRESS, data=body, content_type=content_type), 400)
    assert nothing_is_kept(app, rows)


def test_a_body_that_does_not_fit_its_boundary_is_400(client, app, rows):
    body = body_of(*good_parts().values())
    for boundary in ("another", "a" * 5000, "l\xef\xbf\xbd"):
        answer = client.post(ADDRESS, data=body, content_type=f"multipart/form-data; boundary={boundary}")
        assert is_problem(answer, 400)
    assert nothing_is_kept(app, rows)


def test_a_body_without_its_final_boundary_is_400(client, app, rows):
    assert is_problem(post_parts(client, *good_parts().values(), end=False), 400)
    assert nothing_is_kept(app, rows)


def test_a_body_cut_anywhere_is_never_taken_and_never_a_failure(client, app, rows):
    whole = body_of(*good_parts().values())
    for length in range(1, len(whole) - len(BOUNDARY) - 4, 37):
        answer = client.post(ADDRESS, data=whole[:length], content_type=MULTIPART)
        assert answer.status_code == 400, length
    assert nothing_is_kept(app, rows)


def test_garbled_parts_are_400(client, app, rows):
    line = f"--{BOUNDARY}\r\n".encode()
    for garbled in (
        line + b"no headers at all\r\n\r\nx\r\n",
        line + b"Content-Type: text/plain\r\n\r\nno disposition\r\n",
        line + b"\x00\xff\r\n\r\nx\r\n",
    ):
        assert is_problem(post_parts(client, garbled, *good_parts().values()), 400)
    assert nothing_is_kept(app, rows)


def test_a_part_without_a_name_is_not_a_failure(client):
    nameless = f"--{BOUNDARY}\r\nContent-Disposition: form-data\r\n\r\nx\r\n".encode()
    assert post_parts(client, nameless, *good_parts().values()).status_code in {201, 400, 422}


def test_five_thousand_parts_are_413(client, app, rows):
    many = [part(f"field{number}", "x") for number in range(5000)]
    assert is_problem(post_parts(client, *good_parts().values(), *many), 413)
    assert nothing_is_kept(app, rows)


def test_a_huge_text_field_is_413(client, app, rows):
    huge = good_parts(first_name=part("first_name", "x" * 700_000))
    assert is_problem(post_parts(client, *huge.values()), 413)
    assert nothing_is_kept(app, rows)


def test_a_file_of_the_limit_is_taken_and_one_byte_more_is_413(client, app, rows):
    def form_with(size: int) -> list[bytes]:
        resume = part("resume_file", PDF + b"\n" * (size - len(PDF)), "resume.pdf")
        return list(good_parts(resume_file=resume).values())

    refused = post_parts(client, *form_with(ONE_MB + 1))
    assert is_problem(refused, 413)
    assert list(refused.json["errors"]) == ["resume_file"]
    assert "1 MB" in refused.json["errors"]["resume_file"][0]
    assert nothing_is_kept(app, rows)
    assert post_parts(client, *form_with(ONE_MB)).json["resume"]["size"] == ONE_MB


def test_a_file_too_large_beside_other_mistakes_names_all_of_them(client, app, rows):
    huge = part("resume_file", b"x" * (ONE_MB + 1), "resume.pdf")
    answer = post_parts(client, *good_parts(first_name=None, resume_file=huge).values())
    assert answer.status_code == 422
    assert set(answer.json["errors"]) == {"first_name", "resume_file"}
    assert nothing_is_kept(app, rows)


@pytest.mark.parametrize("with_length", [True, False])
def test_a_request_far_too_large_is_413_with_or_without_a_length(client, app, rows, with_length):
    body = io.BytesIO(
        body_of(*good_parts(resume_file=part("resume_file", b"x" * (4 * ONE_MB), "resume.pdf")).values())
    )
    environ = {"wsgi.input": body, "wsgi.input_terminated": True, "CONTENT_LENGTH": ""}
    if with_length:
        environ["CONTENT_LENGTH"] = str(len(body.getbuffer()))
    answer = client.post(ADDRESS, content_type=MULTIPART, environ_overrides=environ)
    assert is_problem(answer, 413)
    assert nothing_is_kept(app, rows)
    if with_length:
        assert body.tell() == 0  # refused by its length, before a byte of it was read
    else:
        assert body.tell() < 3 * ONE_MB


def test_a_length_that_is_a_lie_is_not_a_failure(client, app, rows):
    body = body_of(*good_parts().values())
    answer = client.post(
        ADDRESS,
        data=body,
        content_type=MULTIPART,
        environ_overrides={"CONTENT_LENGTH": str(len(body) + 500)},
    )
    assert 400 <= answer.status_code < 500 or answer.status_code == 201
    short = client.post(
        ADDRESS, data=body, content_type=MULTIPART, environ_overrides={"CONTENT_LENGTH": "300"}
    )
    assert is_problem(short, 400)


def test_an_unknown_query_parameter_is_422_and_named(client, app, rows):
    answer = client.post(f"{ADDRESS}?debug=1&first_name=Eve", data=filled())
    assert is_problem(answer, 422)
    assert set(answer.json["errors"]) == {"debug", "first_name"}
    assert nothing_is_kept(app, rows)


def test_other_methods_are_405_with_allow(client):
    for method in ("get", "put", "patch", "delete"):
        answer = getattr(client, method)(ADDRESS)
        assert is_problem(answer, 405)
        assert set(answer.headers["Allow"].split(", ")) == {"OPTIONS", "POST"}


def test_a_refused_body_leaves_no_file_open(client, monkeypatch):
    opened = []

    class Remembered(tempfile.SpooledTemporaryFile):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            opened.append(self)

    monkeypatch.setattr("leadintake.web.SpooledTemporaryFile", Remembered)
    assert post_parts(client, *good_parts().values(), end=False).status_code == 400
    still_open = [file for file in opened if not file.closed]
    for file in opened:
        file.close()
    assert opened
    assert not still_open
