"""The language of a lead: the one that was chosen, else that of the page."""

from __future__ import annotations

import pytest

from leadintake.assignment.policy import Policy, Terms
from leadintake.leads.models import Lead
from tests.factories import UserFactory
from tests.support.client import filled
from tests.support.html import Page


@pytest.fixture
def settings():
    return {"FORM_MIN_SECONDS": 0}


def send_page(client, address: str, **changes: str):
    """Send the form as the page at this address does."""
    page = Page(client.get(address).text)
    (form,) = page.all("form")
    hidden = {one["name"]: one["value"] for one in page.all("input") if one["type"] == "hidden"}
    answer = client.post(form["action"], data=filled(**hidden, **changes), headers={"Accept": "text/html"})
    assert answer.status_code == 303
    return answer


@pytest.mark.parametrize(
    ("address", "chosen", "stored"),
    [("/", "", "en"), ("/?lang=es", "", "es"), ("/?lang=es", "en", "en"), ("/", "es", "es")],
)
def test_the_language_of_the_page_is_the_leads_unless_another_is_chosen(
    client, rows, address, chosen, stored
):
    send_page(client, address, language=chosen)
    assert rows(Lead)[0].language == stored


def test_a_program_that_names_no_language_sends_a_lead_without(client, rows):
    client.submit()
    client.post("/public/leads?lang=es", data=filled())
    assert [lead.language for lead in rows(Lead)] == [None, "es"]


def test_a_retry_from_the_page_in_another_language_is_the_same_submission(client, rows):
    for address in ("/public/leads?lang=es", "/public/leads?lang=en"):
        assert client.post(address, data=filled(submission_id="one")).status_code == 201
    assert [lead.language for lead in rows(Lead)] == ["es"]


class TestWithoutSpanish:
    """A firm that does not work in a language of the page."""

    @pytest.fixture
    def settings(self):
        return {"LANGUAGES": ["en"], "FORM_MIN_SECONDS": 0}

    def test_its_leads_are_not_said_to_prefer_it(self, client, rows):
        send_page(client, "/?lang=es")
        assert rows(Lead)[0].language is None


def test_the_switch_brings_the_form_back_with_everything_typed(client, rows):
    page = Page(client.get("/").text)
    typed = {"first_name": "山田", "last_name": '"<b>', "email": "jane@", "practice_area": "family"}
    hidden = {one["name"]: one["value"] for one in page.all("input") if one["type"] == "hidden"}
    (switch,) = [one for one in page.all("button") if one["formaction"]]
    assert (switch["form"], switch["lang"], switch.text) == ("intake", "es", "Español")
    assert switch["formenctype"] == "application/x-www-form-urlencoded", "the file would be sent in vain"
    answer = client.post(switch["formaction"], data={**hidden, **typed, "resume_file": "cv.pdf"})
    assert (answer.status_code, answer.headers["Content-Language"]) == (200, "es")
    assert answer.headers["Cache-Control"] == "no-store"
    page = Page(answer.text)
    assert page.mistakes == []
    assert page.all("form")[0]["action"] == "/public/leads?lang=es"
    shown = page.inputs()
    for name in ("first_name", "last_name", "email"):
        assert shown[name]["value"] == typed[name]
    assert page.chosen("practice_area") == "family"
    for name in ("submission_id", "opened"):
        assert shown[name]["value"] == hidden[name]
    assert shown["disclaimer"]["value"] != hidden["disclaimer"], "it is shown in the other language"
    assert [one for one in page.all("p") if one["class"] == "error"] == []
    assert rows(Lead) == []


def test_a_form_with_mistakes_can_be_switched_too(client):
    page = Page(client.submit(accept="text/html", email="no").text)
    assert [one["formaction"] for one in page.all("button") if one["formaction"]] == ["/?lang=es"]


def test_return_in_a_field_sends_the_form_and_does_not_change_its_language(client):
    first, *_ = [one for one in Page(client.get("/").text).all("button") if one["form"] == "intake"]
    assert "formaction" not in first.attributes
    assert (first["tabindex"], first["aria-hidden"]) == ("-1", "true")


def test_assignment_hears_of_the_language_of_the_page(app, client, given, rows):
    ada, bruno = given(UserFactory, name="Ada"), given(UserFactory, name="Bruno")
    terms = {ada.email: Terms(languages=("en",)), bruno.email: Terms(languages=("es",))}
    app.extensions["leadintake.policy"] = Policy(match_language="hard", attorneys=terms)
    for _ in range(3):
        send_page(client, "/?lang=es")
    assert {lead.assignee_id for lead in rows(Lead)} == {bruno.id}
