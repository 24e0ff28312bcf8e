"""The pages of a prospect in both languages, from the first to the last."""

from __future__ import annotations

import io
import uuid

import pytest

from leadintake.leads.fields import AREA_NAMES
from leadintake.leads.models import Lead
from leadintake.notifications.models import Notification
from tests.factories import UserFactory
from tests.support.client import filled
from tests.support.html import Page

BROWSER = {"Accept": "text/html"}
MEXICO = {**BROWSER, "Accept-Language": "es-MX,es;q=0.9,en;q=0.5"}
SOME_ID = "0190f0c1-7b1e-7c3a-9d2e-0123456789ab"
ENGLISH_WORDS = {"the", "your", "please", "we", "and", "send", "what", "thank"}


def words_of(page: Page) -> set[str]:
    """Every word between the tags of the page."""
    return set(page.all("html")[0].text.lower().replace(".", " ").replace(",", " ").split())


def switches(page: Page) -> dict[str, str]:
    """Where each other language is."""
    return {link["hreflang"]: link["href"] for link in page.all("a") if link["hreflang"]}


def send(client, address: str, headers=MEXICO, **changes):
    return client.post(address, data=filled(**changes), headers=headers)


@pytest.fixture
def message_id(client, given, rows) -> uuid.UUID:
    """A confirmation that somebody got."""
    given(UserFactory)
    client.submit()
    return next(owed.id for owed in rows(Notification) if owed.kind == "prospect_confirmation")


def test_every_page_is_wholly_in_spanish(client, message_id):
    for address in ("/", f"/thanks/{SOME_ID}", f"/unsubscribe/{message_id}", "/nothing"):
        page = Page(client.get(address, headers=MEXICO).text)
        assert (page.all("html")[0]["lang"], page.all("html")[0]["dir"]) == ("es", "ltr")
        assert page.mistakes == []
        assert words_of(page) & ENGLISH_WORDS == set(), address
    page = Page(client.post(f"/unsubscribe/{message_id}?lang=es", headers=BROWSER).text)
    assert page.all("h1")[0].text == "Listo"


def test_a_form_with_mistakes_comes_back_in_its_language(client):
    for address, headers in (("/public/leads", MEXICO), ("/public/leads?lang=es", BROWSER)):
        empty = (io.BytesIO(b""), "cv.pdf")
        wrong = {"first_name": "", "email": "jane@", "practice_area": "tax", "resume_file": empty}
        answer = send(client, address, headers, **wrong)
        page = Page(answer.text)
        assert (answer.status_code, answer.headers["Content-Language"]) == (422, "es")
        assert page.by_id("first_name-error").text == "Escriba su nombre."
        assert "nombre@example.com" in page.by_id("email-error").text
        assert page.by_id("practice_area-error").text.startswith("Por favor elija una de estas opciones:")
        assert page.by_id("resume_file-error").text.startswith("Este archivo está vacío.")
        assert words_of(page) & ENGLISH_WORDS == set()
        assert switches(page) == {}, "a link would lose what was typed"


def test_findings_of_the_inspection_are_said_in_spanish(client):
    for file, said in (
        ((io.BytesIO(b"%PDF-1.7 cut"), "cv.pdf"), "dañado o incompleto"),
        ((io.BytesIO(b"hello"), "cv.pdf"), "termina en .pdf, pero en realidad es un texto sin formato"),
        ((io.BytesIO(b"hello"), "cv.exe"), "Por favor envíe su currículum en formato"),
    ):
        answer = send(client, "/public/leads", {"Accept-Language": "es"}, resume_file=file)
        assert said in answer.json["errors"]["resume_file"][0]
        assert answer.json["title"] == "Por favor revise sus datos"


def test_what_strangers_send_stays_text_in_a_translated_sentence(client):
    page = send(client, "/public/leads", practice_area="<script>alert(1)</script>", first_name="<b>").text
    assert "<script>" not in page
    assert "<b>" not in page


def test_a_program_that_names_no_language_is_answered_in_english(client):
    refused = client.submit(email="jane@")
    assert refused.json["errors"] == {
        "email": ["Check your e-mail address; it should look like name@example.com."]
    }
    assert refused.headers["Content-Language"] == "en"


def test_the_language_of_the_address_is_carried_from_the_form_to_the_thanks(client, rows):
    page = Page(client.get("/?lang=es", headers=BROWSER).text)
    (form,) = page.all("form")
    assert form["action"] == "/public/leads?lang=es"
    answer = send(client, form["action"], BROWSER)
    assert answer.status_code == 303
    address, _, query = answer.headers["Location"].partition("?")
    assert address.startswith(f"/thanks/{rows(Lead)[0].reference}/")
    assert query == "lang=es"
    thanks = client.get(answer.headers["Location"], headers=BROWSER)
    assert "Su número de referencia" in thanks.text
    refused = Page(send(client, form["action"], BROWSER, email="x").text)
    assert refused.all("form")[0]["action"] == "/public/leads?lang=es"
    assert [link["href"] for link in Page(client.get("/nothing?lang=es", headers=BROWSER).text).all("a")] == [
        "/?lang=es"
    ]


def test_a_language_chosen_by_the_browser_is_in_no_address(client):
    page = Page(client.get("/", headers=MEXICO).text)
    assert page.all("form")[0]["action"] == "/public/leads"
    assert "lang" not in page.all("link")[0]["href"]


def test_the_switch_is_a_link_in_the_other_languages_own_words(client, message_id):
    for address in (f"/thanks/{SOME_ID}", f"/unsubscribe/{message_id}"):
        (link,) = [one for one in Page(client.get(address).text).all("a") if one["hreflang"]]
        assert (link["hreflang"], link["lang"], link.text) == ("es", "es", "Español")
        assert link["href"] == f"{address}?lang=es"
        back = Page(client.get(link["href"]).text)
        assert switches(back) == {"en": f"{address}?lang=en"}
        assert "English" in back.all("nav")[0].text
    assert switches(Page(client.get("/nothing", headers=BROWSER).text)) == {}


def test_an_asset_is_the_same_in_every_language(client):
    sheets = {Page(client.get(address).text).all("link")[0]["href"] for address in ("/", "/?lang=es")}
    assert len(sheets) == 1


def test_a_page_in_a_language_we_do_not_speak_falls_back_and_the_door_refuses(client, rows):
    assert client.get("/?lang=tlh").headers["Content-Language"] == "en"
    refused = send(client, "/public/leads?lang=tlh", {"Accept-Language": "es"})
    assert (refused.status_code, refused.json["errors"]) == (
        422,
        {"lang": ["Use uno de estos valores: en, es."]},
    )
    refused = client.post("/public/leads?lang=&nothing=1", data=filled())
    assert set(refused.json["errors"]) == {"lang", "nothing"}
    assert client.post("/public/leads?lang=es&lang=en", data=filled()).status_code == 422
    assert rows(Lead) == []


def test_practice_areas_we_know_are_translated(client):
    page = Page(client.get("/?lang=es").text)
    shown = {option["value"]: option.text for option in page.all("option")}
    assert shown["immigration"] == "Inmigración"
    assert not set(AREA_NAMES.values()) & {shown[area] for area in AREA_NAMES}


class TestOfAnotherFirm:
    """What is configured."""

    @pytest.fixture
    def settings(self):
        return {"PRACTICE_AREAS": ["maritime-law"], "MAX_UPLOAD_BYTES": 3 * 2**19}

    def test_a_practice_area_of_its_own_is_shown_as_it_is(self, client):
        assert "Maritime law" in [option.text for option in Page(client.get("/?lang=es").text).all("option")]

    def test_the_limit_is_written_as_in_the_language(self, client):
        assert "1,5 MB como máximo" in client.get("/?lang=es").text


class TestOfSmallFiles:
    """With a limit that is soon reached."""

    @pytest.fixture
    def settings(self):
        return {"MAX_UPLOAD_BYTES": 2048}

    def test_a_file_over_the_limit_is_told_which_it_is(self, client):
        refused = send(client, "/public/leads", resume_file=(io.BytesIO(b"%PDF" + bytes(2048)), "cv.pdf"))
        assert refused.status_code == 413
        assert "Este archivo pesa más de 2 KB." in refused.text


def test_neither_page_nor_door_sets_a_cookie(client):
    for answer in (client.get("/?lang=es"), send(client, "/public/leads?lang=es")):
        assert "Set-Cookie" not in answer.headers
