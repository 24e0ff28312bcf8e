"""Forms of the firm's own pages: in their encoding, with whatever other fields they have."""

from __future__ import annotations

import pytest

from leadintake.leads.models import Lead
from tests.support.client import PDF
from tests.support.leads import BOUNDARY, good_parts, part, post_parts


def charset_part(name: str, content: bytes, charset: str) -> bytes:
    head = f'Content-Disposition: form-data; name="{name}"\r\nContent-Type: text/plain; charset={charset}'
    return b"--%s\r\n%s\r\n\r\n%s\r\n" % (BOUNDARY.encode(), head.encode(), content)


def test_file_fields_in_which_nothing_was_chosen_are_no_files(client, rows):
    empty = [part(f"attachment{number}", b"", "") for number in range(12)]
    again = part("resume_file", b"", "")
    as_text = part("phone", b"", "")
    answer = post_parts(client, *empty, again, *good_parts().values(), as_text)
    assert answer.status_code == 201
    assert len(rows(Lead)) == 1


def test_a_form_with_empty_file_fields_alone_is_asked_for_the_file(client):
    answer = post_parts(client, *good_parts(resume_file=part("resume_file", b"x" * 99, "")).values())
    assert answer.json["errors"] == {"resume_file": ["Please choose your resume or CV."]}


@pytest.mark.parametrize(
    ("charset", "name"),
    [
        ("windows-1252", "José"), ("iso-8859-1", "José"), ("windows-1251", "Наталья"), ("koi8-u", "Наталія"),
        ("iso-8859-2", "Łukasz"), ("shift_jis", "山田"), ("euc-kr", "김"), ("gbk", "王"), ("UTF-8", "Zoë"),
    ],
)  # fmt: skip
def test_a_page_in_another_encoding_is_read_in_it(client, rows, charset, name):
    encoded = name.encode(charset)
    named = post_parts(
        client, *good_parts(first_name=part("first_name", encoded)).values(), part("_charset_", charset)
    )
    own = post_parts(client, *good_parts(first_name=charset_part("first_name", encoded, charset)).values())
    assert (named.status_code, own.status_code) == (201, 201)
    assert [lead.first_name for lead in rows(Lead)] == [name, name]


def test_what_the_encoding_lacks_is_read_as_browsers_write_it(client, rows):
    for written, status in ((b"&#23665;&#30000;", 201), (b"&#1114112;&#55296;&#0;", 422)):
        parts = good_parts(first_name=part("first_name", written)).values()
        assert post_parts(client, part("_charset_", "windows-1252"), *parts).status_code == status
    assert [lead.first_name for lead in rows(Lead)] == ["山田"]


def test_in_utf_8_a_reference_is_what_somebody_typed(client, rows):
    post_parts(client, *good_parts(first_name=part("first_name", b"&#233;")).values())
    assert rows(Lead)[0].first_name == "&#233;"


@pytest.mark.parametrize("charset", ["utf-7", "utf-16", "rot13", "zip", "x" * 5000, ""])
def test_other_encodings_are_no_encodings(client, charset):
    legacy = good_parts(first_name=part("first_name", b"Jos\xe9")).values()
    assert post_parts(client, part("_charset_", charset), *legacy).status_code == 422


def test_a_file_name_in_legacy_bytes_is_taken(client, rows):
    resume = part("resume_file", PDF, b"r\xe9sum\xe9 Jos\xe9.pdf")
    answer = post_parts(client, *good_parts(resume_file=resume).values())
    assert answer.status_code == 201
    assert answer.json["resume"]["filename"] == "résumé José.pdf"
