"""Exactly one file, and every field exactly once."""

from __future__ import annotations

import hashlib
import io
from urllib.parse import quote

import pytest

from leadintake.documents.inspection_queue import Busy, InspectionQueue
from leadintake.documents.models import Document
from leadintake.leads.models import Lead
from tests.documents.inspection.pdfs import pdf, pdf_stream
from tests.factories import UserFactory
from tests.support.client import PDF
from tests.support.files import real
from tests.support.leads import files_of, good_parts, nothing_is_kept, part, post_parts


def refused(answer, field: str) -> bool:
    """Whether this one field is what is wrong."""
    return answer.status_code == 422 and list(answer.json["errors"]) == [field]


def test_a_field_sent_twice_is_refused_even_with_equal_values(client, app, rows):
    for field in ("first_name", "last_name", "email", "practice_area", "language", "submission_id"):
        twice = [part(field, "es"), part(field, "es")]
        others = [written for name, written in good_parts().items() if name != field]
        answer = post_parts(client, *others, *twice)
        assert answer.status_code == 422, field
        assert "Please send this field once." in answer.json["errors"][field]
    assert nothing_is_kept(app, rows)


def test_two_files_in_the_field_are_refused(client, app, rows):
    parts = good_parts()
    assert refused(post_parts(client, *parts.values(), parts["resume_file"]), "resume_file")
    assert nothing_is_kept(app, rows)


def test_a_second_file_under_another_name_is_refused(client, app, rows):
    for name in ("cover_letter", "resume_file[]", ""):
        answer = post_parts(client, *good_parts().values(), part(name, PDF, "cover.pdf"))
        assert refused(answer, "resume_file"), name
    assert nothing_is_kept(app, rows)


def test_a_text_beside_the_file_in_its_field_is_refused(client, app, rows):
    for texts in ([part("resume_file", "x")], [part("resume_file", "x")] * 2):
        assert refused(post_parts(client, *texts, *good_parts().values()), "resume_file")
        assert refused(post_parts(client, *good_parts().values(), *texts), "resume_file")
    assert nothing_is_kept(app, rows)


def test_no_file_or_one_that_was_not_chosen_is_refused(client, app, rows):
    without = good_parts(resume_file=None).values()
    assert refused(post_parts(client, *without), "resume_file")
    assert refused(post_parts(client, *without, part("resume_file", "")), "resume_file")
    assert refused(post_parts(client, *without, part("resume_file", PDF)), "resume_file")
    # What a browser sends when nobody chose a file.
    assert refused(post_parts(client, *without, part("resume_file", b"", "")), "resume_file")
    assert nothing_is_kept(app, rows)


def test_a_file_that_is_empty_or_no_resume_is_refused(client, app, rows):
    for filename, content in (
        ("resume.pdf", b""),
        ("resume.pdf", b"MZ\x90\x00 this program"),
        ("resume.exe", PDF),
        ("resume.pdf.exe", PDF),
        ("resume.txt", PDF),
        ("\x00", PDF),
        ("..", PDF),
        ("/", PDF),
    ):
        answer = client.submit(resume_file=(io.BytesIO(content), filename))
        assert refused(answer, "resume_file"), filename
    assert nothing_is_kept(app, rows)


def test_a_hostile_file_name_is_shown_harmless_and_never_a_path(client, app, rows):
    names = {
        "../../etc/passwd.pdf": "passwd.pdf",
        "C:\\\\Users\\\\Jane\\\\resume.pdf": "resume.pdf",
        "履歴書.pdf": "履歴書.pdf",
        "résumé \u202efdp.pdf": "résumé fdp.pdf",
        "a'b;c=d.PDF": "a'b;c=d.PDF",
        "%00.pdf": "%00.pdf",
        "🧑" * 300 + ".pdf": "🧑" * 251 + ".pdf",
        "x" * 5000 + ".pdf": "x" * 251 + ".pdf",
    }
    for sent, shown in names.items():
        parts = good_parts(resume_file=part("resume_file", PDF, sent))
        answer = post_parts(client, *parts.values())
        assert answer.status_code == 201, sent
        assert answer.json["resume"]["filename"] == shown
    assert sorted(document.filename for document in rows(Document)) == sorted(names.values())
    assert sorted(files_of(app)) == sorted(f"{document.id}.pdf" for document in rows(Document))


@pytest.mark.parametrize(
    ("sent", "content", "kept"),
    [
        ("履歴書", "resume.pdf", "履歴書.pdf"),
        ("resume.pdf.", "resume.pdf", "resume.pdf"),
        ("resume.pdf (1)", "resume.pdf", "resume (1).pdf"),
        ("resume.doc", "resume.rtf", "resume.rtf"),
        ("resume.doc", "resume.docx", "resume.docx"),
    ],
)
def test_a_file_is_kept_and_handed_out_under_its_true_ending(client, given, sent, content, kept):
    answer = post_parts(client, *good_parts(resume_file=part("resume_file", real(content), sent)).values())
    assert answer.status_code == 201, answer.text
    assert answer.json["resume"]["filename"] == kept
    client.sign_in(given(UserFactory, "manager"))
    file = client.get(f"/internal/leads/{answer.json['id']}/resume")
    assert file.data == real(content)
    assert file.mimetype == answer.json["resume"]["content_type"]
    assert quote(kept) in file.headers["Content-Disposition"] or kept in file.headers["Content-Disposition"]


def test_more_files_than_a_form_has_are_refused_as_several_files(client, app, rows):
    many = [part(f"file_{number}", b"x", "x.txt") for number in range(9)]
    answer = post_parts(client, *good_parts().values(), *many)
    assert (answer.status_code, set(answer.json["errors"])) == (422, {"resume_file"})
    assert nothing_is_kept(app, rows)


def test_a_file_that_cannot_be_looked_into_now_may_be_sent_again_soon(client, app, rows, monkeypatch):
    def busy(*_arguments):
        raise Busy

    monkeypatch.setattr(InspectionQueue, "acquire", busy)
    answer = client.submit()
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert "Too many files are being checked" in answer.json["detail"]
    assert nothing_is_kept(app, rows)


def test_the_line_a_file_waits_in_is_that_of_its_address(client, monkeypatch):
    senders = []
    acquire = InspectionQueue.acquire
    monkeypatch.setattr(
        InspectionQueue, "acquire", lambda queue, sender: senders.append(sender) or acquire(queue, sender)
    )
    assert client.submit().status_code == 201
    assert senders == ["127.0.0.1"]


def test_the_bytes_are_kept_as_they_were_sent(client, app, rows):
    content = pdf(pdf_stream(bytes(range(256)) * 999 + b"\r\n--a-line-between\r\n--\r\n"))
    client.submit(resume_file=(io.BytesIO(content), "resume.pdf"))
    (document,) = rows(Document)
    assert (document.size, document.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    with app.app_context(), app.extensions["leadintake.storage"].open(document.key) as file:
        assert file.read() == content


def test_fields_nobody_asked_for_change_nothing(client, rows):
    answer = client.submit(status="REACHED_OUT", assignee_id="1", version="9", csrf_token="x", id="1")
    assert answer.status_code == 201
    (lead,) = rows(Lead)
    assert (lead.status, lead.assignee_id, lead.version) == ("PENDING", None, 1)
