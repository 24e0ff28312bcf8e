"""Which language is spoken to whom, and that its catalogue is whole."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from pathlib import Path

import pytest
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask_babel import lazy_gettext

from leadintake.core.i18n import languages
from leadintake.core.i18n.languages import (
    LANGUAGES,
    TRANSLATIONS,
    _,
    direction,
    size_in_words,
    supported_language,
    use_language,
)

ROOT = Path(__file__).parents[3]
TRANSLATED = [language for language in LANGUAGES if language != "en"]
SPANISH, ENGLISH = "No hay nada en esta dirección.", "There is nothing at this address."


def spoken_to(client, accepts: str | None, path: str = "/nothing") -> str:
    """What a program is told in an error."""
    return client.get(path, headers={"Accept-Language": accepts} if accepts is not None else {}).json[
        "detail"
    ]


@pytest.mark.parametrize(
    "accepts",
    [
        "es", "ES", "es-MX", "es-419,es;q=0.9", "es-MX,en;q=0.5", "fr, es;q=0.8, en;q=0.3",
        "en;q=0.2, es;q=0.3", "en;q=0, es;q=0.1", "*;q=0.9, es;q=0.1",
    ],
)  # fmt: skip
def test_who_prefers_spanish_in_any_form_is_spoken_to_in_spanish(client, accepts):
    assert spoken_to(client, accepts) == SPANISH


@pytest.mark.parametrize(
    "accepts",
    [
        None, "", "en", "en-GB,es;q=0.9", "fr", "*", "es;q=0", "est", "\x7f;;q=,", "es;q=0.1,en-US;q=0.2",
        "-", "x" * 5000,
    ],
)  # fmt: skip
def test_everybody_else_is_spoken_to_in_english(client, accepts):
    assert spoken_to(client, accepts) == ENGLISH


def test_the_address_wins_over_the_browser_where_we_speak_what_it_asks_for(client):
    assert spoken_to(client, "en", "/nothing?lang=es") == SPANISH
    assert spoken_to(client, "es", "/nothing?lang=en") == ENGLISH
    assert spoken_to(client, "es", "/nothing?lang=tlh") == SPANISH
    assert spoken_to(client, "en", "/nothing?lang=tlh") == ENGLISH


@pytest.mark.parametrize(
    "path",
    [
        "/internal/leads",
        "/internal/nothing",
        "/desk/nothing",
        "/account/nothing",
        "/docs/nothing",
        "/metrics/x",
    ],
)
def test_the_firms_own_side_is_english_whatever_the_browser_says(client, path):
    answer = client.get(f"{path}?lang=es", headers={"Accept-Language": "es"})
    assert answer.status_code in {401, 404}
    assert "Please" in answer.json["detail"] or answer.json["detail"] in (ENGLISH, "The link is not good.")
    assert "Content-Language" not in answer.headers
    assert "Accept-Language" not in answer.headers.get("Vary", "")


def test_the_openapi_document_is_english(client):
    document = client.get("/openapi.json", headers={"Accept-Language": "es"})
    assert ENGLISH in document.text
    assert SPANISH not in document.text


def test_an_answer_says_its_language_and_what_that_depends_on(client):
    answer = client.get("/nothing", headers={"Accept-Language": "es-MX"})
    assert answer.headers["Content-Language"] == "es"
    assert "Accept-Language" in answer.vary
    answer = client.get("/nothing?lang=es")
    assert answer.headers["Content-Language"] == "es"
    assert "Accept-Language" not in answer.vary


def test_an_address_that_cannot_be_read_is_still_answered(client):
    unreadable, spanish = {"QUERY_STRING": "lang=en&\xff"}, {"Accept-Language": "es"}
    for method, path, status in (("GET", "/", 200), ("GET", "/nothing", 404), ("POST", "/public/leads", 400)):
        answer = client.open(path, method=method, environ_overrides=unreadable, headers=spanish)
        assert (answer.status_code, answer.headers["Content-Language"]) == (status, "es")


def test_a_language_is_known_whatever_its_region():
    assert [supported_language(tag) for tag in ("es", "ES-mx", "es_419", "en-US")] == ["es", "es", "es", "en"]
    assert [supported_language(tag) for tag in ("fr", "est", "", None, "-es")] == [None] * 5


def test_outside_a_request_and_outside_an_application_english_is_spoken(app):
    assert (_(ENGLISH), languages.current_language()) == (ENGLISH, "en")
    with app.app_context():
        assert (_(ENGLISH), languages.current_language()) == (ENGLISH, "en")
        with use_language("es"):
            assert (_(ENGLISH), languages.current_language()) == (SPANISH, "es")
        assert _(ENGLISH) == ENGLISH


def test_what_is_in_no_catalogue_is_said_as_it_is(app):
    with app.app_context(), use_language("es"):
        assert _("100% <b>%(odd)s</b>") == "100% <b>%(odd)s</b>"
        assert _("") == ""
        assert _(lazy_gettext(ENGLISH)) == SPANISH


def test_sizes_are_written_as_in_the_language_and_never_rounded_up(app):
    sizes = (10 * 2**20, 3 * 2**19, 512 * 1024, 2**20 * 2 - 1, 1500 * 2**20)
    with app.app_context():
        assert [size_in_words(size) for size in sizes] == ["10 MB", "1.5 MB", "512 KB", "1.99 MB", "1,500 MB"]
        with use_language("es"):
            assert [size_in_words(size) for size in sizes[:3]] == ["10 MB", "1,5 MB", "512 KB"]


def test_a_language_written_from_right_to_left_is_shown_so(client, monkeypatch):
    assert [direction(language) for language in ("en", "es", "ar", "he")] == ["ltr", "ltr", "rtl", "rtl"]
    monkeypatch.setattr(languages, "LANGUAGES", ("en", "es", "ar"))
    page = client.get("/", headers={"Accept-Language": "ar-EG"}).text
    assert '<html lang="ar" dir="rtl">' in page
    assert 'lang="ar" dir="rtl">العربية</button>' in client.get("/").text


@pytest.mark.parametrize("language", TRANSLATED)
class TestCatalogue:
    """Each language has every sentence, and is compiled."""

    @pytest.fixture
    def folder(self, language):
        return TRANSLATIONS / language / "LC_MESSAGES"

    @pytest.fixture
    def catalogue(self, folder, language):
        with (folder / "messages.po").open("rb") as file:
            return read_po(file, locale=language, abort_invalid=True)

    def test_every_sentence_is_translated_and_none_is_a_guess(self, catalogue):
        assert [message.id for message in catalogue if message.id and not message.string] == []
        assert [message.id for message in catalogue if message.id and message.fuzzy] == []
        assert catalogue.obsolete == {}

    def test_placeholders_and_markup_are_those_of_the_original(self, catalogue):
        for message in catalogue:
            if message.id:
                for kind in (r"%\(\w+\)s", r"%(?!\()", r"<[^>]+>"):
                    asked, answered = (
                        sorted(re.findall(kind, text)) for text in (message.id, message.string)
                    )
                    assert asked == answered, message.id

    def test_what_is_compiled_is_what_is_written(self, catalogue, folder):
        compiled = io.BytesIO()
        write_mo(compiled, catalogue)
        assert compiled.getvalue() == (folder / "messages.mo").read_bytes(), "make words"

    def test_it_has_every_sentence_that_the_code_marks_and_no_other(self, catalogue, tmp_path):
        found = tmp_path / "messages.pot"
        command = ["-q", "extract", "-F", "babel.cfg", "--no-location", "-o"]
        pybabel = [sys.executable, "-m", "babel.messages.frontend", *command, str(found), "."]
        subprocess.run(pybabel, cwd=ROOT, check=True)
        with found.open("rb") as file:
            marked = {message.id for message in read_po(file)}
        assert len(marked) > 100
        assert {message.id for message in catalogue} == marked, "make words"
