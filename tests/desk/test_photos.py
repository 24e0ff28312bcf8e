"""A photograph as a resume: sent, kept as it was, and shown on the lead's page."""

from __future__ import annotations

import io

import pytest

from leadintake.audit.models import AuditEntry
from tests.support.files import real
from tests.support.html import Page

FILM = b"\0\0\0\x18ftypmp42" + bytes(range(1, 200))


@pytest.fixture
def settings() -> dict[str, object]:
    return {"ACCEPT_PHOTOS": True}


@pytest.fixture
def manager(browser, max_):
    return browser().sign_in(max_)


def send(client, name: str, content: bytes) -> str:
    answer = client.submit(resume_file=(io.BytesIO(content), name))
    assert answer.status_code == 201, answer.text
    return answer.json["id"]


@pytest.mark.parametrize(
    ("name", "content_type"),
    [("photo.jpg", "image/jpeg"), ("IMG_1.JPEG", "image/jpeg"), ("photo.png", "image/png")],
)
def test_it_is_kept_as_it_was_sent_and_sent_as_a_resume_is(client, manager, name, content_type):
    content = real("photo.png" if name.endswith("png") else "photo.jpg")
    lead = send(client, name, content)
    for query, disposition in (("", "attachment"), ("?inline=1", "inline")):
        answer = manager.get(f"/internal/leads/{lead}/resume{query}")
        assert answer.data == content
        assert answer.content_type == content_type
        assert answer.headers["Content-Disposition"].startswith(f'{disposition}; filename="{name}"')
        assert answer.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_it_is_shown_on_the_lead_s_page_and_that_is_on_record(client, manager, rows):
    lead = send(client, "photo.jpg", real("photo.jpg"))
    page = Page(manager.get(f"/desk/leads/{lead}").text)
    assert page.mistakes == []
    (picture,) = [one for one in page.all("img") if "/resume" in one["src"]]
    assert picture["alt"] == "Resume of Jane Doe"
    assert manager.get(picture["src"]).status_code == 200
    (entry,) = [one for one in rows(AuditEntry) if one.action == "lead.downloaded"]
    assert '"inline":true' in str(entry.detail).replace(" ", "").replace("'", '"').replace("True", "true")
    assert "resume/text" not in page.source


def test_one_with_a_warning_is_only_downloaded(client, manager):
    lead = send(client, "photo.jpg", real("photo.jpg") + FILM)
    page = Page(manager.get(f"/desk/leads/{lead}").text)
    assert "It carries other files inside." in page.source
    assert not [one for one in page.all("img") if "/resume" in one["src"]]
    answer = manager.get(f"/internal/leads/{lead}/resume?inline=1")
    assert answer.headers["Content-Disposition"].startswith("attachment;")


def test_a_photo_has_no_text(client, manager):
    lead = send(client, "photo.jpg", real("photo.jpg"))
    assert "No text was found in it" in manager.get(f"/desk/leads/{lead}/resume/text").text


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_form_names_photos_and_lets_telephones_convert_them(client, language):
    page = Page(client.get(f"/?lang={language}").text)
    field = page.inputs()["resume_file"]
    assert {".jpg", ".jpeg", ".png", "image/jpeg", "image/png"} < set(field["accept"].split(","))
    assert "heic" not in field["accept"]
    assert "JPEG" in field["data-kinds"]
    assert page.source.count("(JPEG, PNG)") == 1


def test_the_description_of_the_form_names_them(client):
    assert "JPEG or PNG" in client.get("/openapi.json").text


class TestWithoutTheSetting:
    """Nothing speaks of photographs."""

    @pytest.fixture
    def settings(self) -> dict[str, object]:
        return {}

    def test_neither_the_form_nor_its_description_names_them(self, client):
        page = client.get("/").text
        assert "JPEG" not in page
        assert "image/" not in page.split('name="resume_file"')[0].rsplit("<input", 1)[1]
        assert "JPEG" not in client.get("/openapi.json").text

    def test_one_is_refused(self, client):
        answer = client.submit(resume_file=(io.BytesIO(real("photo.jpg")), "photo.jpg"))
        assert answer.status_code == 422
        assert answer.json["errors"]["resume_file"] == [
            "Please send your resume as PDF, DOC, DOCX, ODT, RTF or TXT."
        ]
