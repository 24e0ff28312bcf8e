"""The text of a resume at the desk: shown and escaped, on record, and never more than a page."""

from __future__ import annotations

import io

import pytest

from leadintake.audit.models import AuditEntry
from leadintake.core.errors import Unavailable
from leadintake.documents.inspector import inspector
from leadintake.documents.service import documents
from tests.documents.inspection.files import real
from tests.support.html import Page


@pytest.fixture
def sent(client):
    """Send a file as a prospect does; the id of the lead."""

    def send(name: str, content: bytes) -> str:
        answer = client.submit(resume_file=(io.BytesIO(content), name))
        assert answer.status_code == 201, answer.text
        return answer.json["id"]

    return send


@pytest.fixture
def manager(browser, max_):
    return browser().sign_in(max_)


def text_at(client, lead: str) -> Page:
    answer = client.get(f"/desk/leads/{lead}/resume/text?list=sort%3Demail")
    assert answer.status_code == 200, answer.text
    page = Page(answer.text)
    assert page.mistakes == []
    return page


@pytest.mark.parametrize("name", ["resume.doc", "resume.docx", "resume.odt", "resume.rtf"])
def test_the_text_of_every_kind_is_shown(manager, sent, name):
    lead = sent(name, real(name))
    assert "Jane Doe, engineer. Résumé, 2015 to 2024." in text_at(manager, lead).by_id("text").text


def test_it_is_escaped_in_paragraphs_that_know_their_direction(manager, sent):
    page = text_at(manager, sent("resume.txt", "Jane <b>Doe</b>\n\nשלמה & more\n".encode()))
    assert [one["dir"] for one in page.all("p") if one.text in ("Jane <b>Doe</b>", "שלמה & more")] == [
        "auto"
    ] * 2
    assert "Jane &lt;b&gt;Doe&lt;/b&gt;" in page.source
    links = {one.text: one["href"] for one in page.all("a")}
    assert links["Back to the lead"].endswith("?list=sort%3Demail")
    assert links["Download"].startswith("/internal/leads/")


def test_reading_it_is_on_record_as_the_file_s_is(manager, sent, rows):
    lead = sent("resume.txt", b"Jane Doe\nTen years of law.\n")
    text_at(manager, lead)
    last = rows(AuditEntry)[-1]
    assert (last.action, str(last.subject_id), last.detail) == ("lead.downloaded", lead, '{"inline":true}')
    assert "opened the file" in manager.get(f"/desk/leads/{lead}/proof").text


def test_the_page_of_the_lead_opens_it(manager, sent):
    lead = sent("resume.rtf", real("resume.rtf"))
    page = Page(manager.get(f"/desk/leads/{lead}").text)
    (link,) = [one["href"] for one in page.all("a") if one.text == "Open"]
    assert link.partition("?")[0] == f"/desk/leads/{lead}/resume/text"
    assert page.by_id("resume-text")["hx-get"] == link
    assert page.all("iframe") == []
    lead = sent("resume.pdf", real("resume.pdf"))
    page = Page(manager.get(f"/desk/leads/{lead}").text)
    (link,) = [one["href"] for one in page.all("a") if one.text == "Open"]
    assert link == f"/internal/leads/{lead}/resume?inline=1"
    assert "No text was found" in text_at(manager, lead).by_id("text").text


def test_the_resume_is_the_third_thing_on_the_page(manager, sent):
    page = Page(manager.get(f"/desk/leads/{sent('resume.txt', b'Jane Doe, law.')}").text)
    order = [one["id"] for one in page.elements if one["id"] in ("lead", "resume-title", "story")]
    assert order == ["lead", "resume-title", "story"]
    assert "What happened" in page.by_id("story").text


@pytest.mark.parametrize("when", ["no slot is free", "the file is away"])
def test_what_cannot_be_read_now_is_said_with_a_way_to_the_file(manager, sent, monkeypatch, rows, when):
    lead = sent("resume.txt", b"Jane Doe\n")

    def fail(*_arguments, **_named):
        raise Unavailable("Not now.")

    place, name = (inspector, "extract") if when == "no slot is free" else (documents, "open")
    monkeypatch.setattr(place, name, fail)
    page = text_at(manager, lead)
    assert "It cannot be shown right now." in page.by_id("text").text
    assert "lead.downloaded" not in [one.action for one in rows(AuditEntry)]


def test_what_yields_nothing_says_so(manager, sent, monkeypatch):
    lead = sent("resume.txt", b"Jane Doe\n")
    monkeypatch.setattr(documents, "extract_text", lambda *_arguments, **_named: "")
    assert "No text was found in it. Download it to read it." in text_at(manager, lead).by_id("text").text


def test_a_text_of_very_many_lines_is_cut(manager, sent):
    page = text_at(manager, sent("resume.txt", b"a\n\n" * 40_000))
    assert page.by_id("text").text.strip().endswith("[…]")
    assert len(page.source) < 200_000
