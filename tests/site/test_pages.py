"""The pages a prospect sees: well put together, usable by everybody, and nothing foreign in them."""

from __future__ import annotations

import uuid

import pytest

from tests.support.html import Page

BROWSER = {"Accept": "text/html"}
SOME_ID = "0190f0c1-7b1e-7c3a-9d2e-0123456789ab"


@pytest.fixture(params=["/", f"/thanks/{SOME_ID}", "/nothing/here", "/docs"])
def answer(request, client):
    return client.get(request.param, headers=BROWSER)


def test_a_page_is_put_together_well(answer):
    page = Page(answer.text)
    assert page.source.lower().startswith("<!doctype html>")
    assert page.mistakes == []
    assert page.all("html")[0]["lang"] == "en"
    assert [meta["charset"] for meta in page.all("meta") if meta["charset"]] == ["utf-8"]
    assert page.all("title")[0].text.strip()
    assert len(page.all("h1")) == len(page.all("main")) == 1


def test_a_page_has_no_script_no_style_of_its_own_and_nothing_from_elsewhere(answer, client):
    page = Page(answer.text)
    assert page.all("style", "iframe", "object", "embed", "base") == []
    assert [one.text for one in page.all("script") if "defer" not in one.attributes or one.text] == []
    for element in page.elements:
        assert "style" not in element.attributes
        assert not [name for name in element.attributes if name.startswith("on")]
        for name in ("src", "href", "action"):
            assert not element[name].startswith(("http:", "https:", "//", "javascript:", "data:"))
    for sheet in [link for link in page.all("link") if link["rel"] == "stylesheet"]:
        found = client.get(sheet["href"])
        assert found.status_code == 200
        assert found.content_type.startswith("text/css")
        found.close()


def test_a_page_carries_its_protection(answer):
    policy = dict(rule.strip().split(" ", 1) for rule in answer.headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["style-src"] == "'self'"
    assert policy["form-action"] == "'self'"
    assert policy["base-uri"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == "'self'"
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["X-Request-Id"]


def test_nothing_keeps_the_thanks_and_only_the_browser_the_form_for_the_way_back(client):
    assert client.get(f"/thanks/{SOME_ID}").headers["Cache-Control"] == "no-store"
    assert client.get("/").headers["Cache-Control"] == "private, no-cache"


def test_every_field_of_the_form_has_a_label_and_a_hint_that_exists(client):
    page = Page(client.get("/").text)
    labels = {label["for"]: label.text.strip() for label in page.all("label")}
    ids = {element["id"] for element in page.elements}
    trap, *shown = [one for one in page.inputs().values() if one["type"] != "hidden"]
    assert (trap["name"], trap["tabindex"], trap["autocomplete"]) == ("remarks", "-1", "off")
    assert [one["name"] for one in shown] == [
        "first_name", "last_name", "one_name", "email", "practice_area", "language", "resume_file",
    ]  # fmt: skip
    for one in shown:
        assert labels[one["id"]], one["name"]
        assert set(one["aria-describedby"].split()) <= ids
        assert "form" in one.around


def test_the_form_posts_what_the_door_takes(client):
    page = Page(client.get("/").text)
    (form,) = page.all("form")
    assert form["method"] == "post"
    assert form["action"] == "/public/leads"
    assert form["enctype"] == "multipart/form-data"
    fields = page.inputs()
    assert fields["resume_file"]["type"] == "file"
    assert "multiple" not in fields["resume_file"].attributes
    assert ".pdf" in fields["resume_file"]["accept"]
    assert (fields["email"]["type"], fields["email"]["autocomplete"]) == ("email", "email")
    assert (fields["first_name"]["autocomplete"], fields["last_name"]["autocomplete"]) == (
        "given-name",
        "family-name",
    )
    required = {name for name, one in fields.items() if "required" in one.attributes}
    assert required == {"first_name", "last_name", "email", "resume_file"}
    assert [one["type"] for one in page.all("button")].count("submit") == 1


def test_every_visit_gets_a_submission_id_of_its_own(client):
    keys = {Page(client.get("/").text).inputs()["submission_id"]["value"] for _ in range(3)}
    assert len({uuid.UUID(key) for key in keys}) == 3


def test_the_thanks_take_nothing_but_an_id(client):
    assert client.get("/thanks/<script>").status_code == 404
    assert client.get("/thanks/1").status_code == 404
    assert client.get("/thanks/").status_code == 404


def test_a_page_answers_head_and_refuses_what_it_is_not_for(client):
    head = client.head("/")
    assert (head.status_code, head.data) == (200, b"")
    refused = client.put("/", headers=BROWSER)
    assert refused.status_code == 405
    assert "GET" in refused.headers["Allow"]


def test_an_error_page_says_what_to_do_and_where_to_ask(client):
    answer = client.get("/nothing/here", headers=BROWSER)
    page = Page(answer.text)
    assert answer.status_code == 404
    assert answer.headers["X-Request-Id"] in page.source
    assert [link["href"] for link in page.all("a")] == ["/"]


def test_a_program_gets_the_same_error_as_json(client):
    answer = client.get("/nothing/here")
    assert answer.content_type == "application/problem+json"
    assert answer.json["status"] == 404


class TestOfAnotherFirm:
    """What is configured is what is shown."""

    @pytest.fixture
    def settings(self):
        return {
            "FIRM_NAME": "Haddad & <Söhne>",
            "PRACTICE_AREAS": ["maritime-law"],
            "LANGUAGES": ["fr"],
            "MAX_UPLOAD_BYTES": 512 * 1024,
        }

    def test_the_name_of_the_firm_is_on_every_page_and_escaped(self, client):
        for address in ("/", f"/thanks/{SOME_ID}", "/nothing"):
            page = Page(client.get(address, headers=BROWSER).text)
            assert "Haddad & <Söhne>" in page.all("title")[0].text
            assert page.mistakes == []

    def test_the_choices_are_those_configured(self, client):
        page = Page(client.get("/").text)
        assert [option["value"] for option in page.all("option")] == ["", "maritime-law", "", "fr"]
        assert "Maritime law" in [option.text for option in page.all("option")]

    def test_the_limit_that_is_told_is_the_limit_that_holds(self, client):
        hint = Page(client.get("/").text).by_id("resume_file-hint").text
        assert "512 KB at most" in hint


@pytest.mark.parametrize("body", ["5", "[1]", '"abc"', "[" * 30_000, '{"email": "\\ud800"}', "{}"])
@pytest.mark.parametrize("path", ["/", "thanks"])
def test_json_is_no_form_whatever_it_is(client, path, body):
    if path == "thanks":
        path = client.submit(accept="text/html").headers["Location"] + "/email"
    answer = client.post(path, data=body, content_type="application/json")
    assert answer.status_code in {200, 422}
