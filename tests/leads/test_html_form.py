"""The form as a browser without JavaScript uses it: thanks, or the form again with everything still there."""

from __future__ import annotations

import io
import uuid

import pytest

from leadintake.leads.models import Lead
from tests.factories import UserFactory
from tests.support.client import PDF
from tests.support.html import Page
from tests.support.leads import MULTIPART, body_of, good_parts, nothing_is_kept, part, post_parts

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
WRONG = {
    "first_name": "Ja\u202ene",
    "last_name": '<script>alert("1")</script>\' & co ' + "x" * 101,
    "email": 'jane"@',
    "practice_area": "tax",
    "language": "tlh",
}


def test_a_good_form_leads_to_a_thank_you_page(client, rows):
    answer = client.submit(accept=BROWSER)
    assert answer.status_code == 303
    (lead,) = rows(Lead)
    assert answer.headers["Location"].startswith(f"/thanks/{lead.reference}/")
    page = client.get(answer.headers["Location"])
    assert page.status_code == 200
    assert lead.reference in page.text
    assert "jane@example.com" in page.text


def test_the_same_form_sent_twice_leads_to_the_same_thanks(client, rows):
    first = client.submit(accept=BROWSER, submission_id="twice")
    again = client.submit(accept=BROWSER, submission_id="twice")
    assert (again.status_code, again.headers["Location"]) == (303, first.headers["Location"])
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(rows(Lead)) == 1


def test_a_wrong_form_comes_back_with_every_message_and_everything_typed(client, app, rows):
    answer = client.submit(
        accept=BROWSER, resume_file=(io.BytesIO(b""), "cv.pdf"), submission_id="my-key", **WRONG
    )
    assert answer.status_code == 422
    assert answer.content_type == "text/html; charset=utf-8"
    page = Page(answer.text)
    assert page.mistakes == []
    for name in [*WRONG, "resume_file"]:
        shown = page.inputs()[name]
        assert shown["aria-invalid"] == "true", name
        said = page.by_id(f"{name}-error")
        assert said.text, name
        assert f"{name}-error" in shown["aria-describedby"].split(), name
    assert page.inputs()["first_name"]["value"] == WRONG["first_name"]
    assert page.inputs()["last_name"]["value"] == WRONG["last_name"]
    assert page.inputs()["email"]["value"] == WRONG["email"]
    assert page.inputs()["submission_id"]["value"] == "my-key"
    assert [one for one in page.all("script") if "alert" in one.text] == []
    assert nothing_is_kept(app, rows)


def test_a_form_with_one_mistake_keeps_the_good_choices(client):
    answer = client.submit(
        accept=BROWSER, first_name="山田", email="no", practice_area="family", language="es"
    )
    page = Page(answer.text)
    assert page.inputs()["first_name"]["value"] == "山田"
    assert "aria-invalid" not in page.inputs()["first_name"].attributes
    assert (page.chosen("practice_area"), page.chosen("language")) == ("family", "es")
    assert [one["id"] for one in page.all("p") if one["id"].endswith("-error")] == ["email-error"]


def test_the_messages_stand_on_top_too_and_lead_to_their_fields(client):
    page = Page(client.submit(accept=BROWSER, first_name="", email="no").text)
    (alert,) = [element for element in page.elements if element["role"] == "alert"]
    links = [one for one in page.all("a") if one["href"].startswith("#")]
    assert [link["href"] for link in links] == ["#first_name", "#email"]
    assert all(page.by_id(link["href"][1:]).tag == "input" for link in links)
    assert [link.text for link in links] == [
        "Enter your first name.",
        "Check your e-mail address; it should look like name@example.com.",
    ]
    assert all(link.text in alert.text for link in links)


def test_a_file_too_large_is_413_and_the_form_again(app, browser, rows):
    app.config["MAX_UPLOAD_BYTES"] = 2048
    huge = part("resume_file", PDF + b" " * 4096, "resume.pdf")
    answer = post_parts(browser(), *good_parts(resume_file=huge).values(), Accept=BROWSER)
    assert answer.status_code == 413
    page = Page(answer.text)
    assert page.inputs()["first_name"]["value"] == "Jane"
    assert "2 KB" in page.by_id("resume_file-error").text
    assert nothing_is_kept(app, rows)


@pytest.mark.parametrize("as_page", [True, False])
def test_a_form_too_large_to_be_read_is_413_and_comes_back_with_everything_typed(browser, app, rows, as_page):
    limit = app.config["MAX_CONTENT_LENGTH"]
    huge = part("resume_file", PDF + b" " * limit, "resume.pdf")
    texts = good_parts(first_name=part("first_name", "山田"), email=part("email", "jane@"))
    body = io.BytesIO(body_of(*{**texts, "resume_file": huge}.values()))
    environ = {
        "wsgi.input": body,
        "CONTENT_LENGTH": str(len(body.getbuffer())),
        "CONTENT_TYPE": MULTIPART,
    }
    accept = {"Accept": BROWSER if as_page else "application/json"}
    answer = browser().post("/public/leads", headers=accept, environ_overrides=environ)
    assert answer.status_code == 413
    assert nothing_is_kept(app, rows)
    if not as_page:
        assert body.tell() == 0
        return
    page = Page(answer.text)
    assert page.inputs()["first_name"]["value"] == "山田"
    assert page.inputs()["email"]["value"] == "jane@"
    assert "10 MB" in page.by_id("resume_file-error").text
    assert page.by_id("email-error").text
    assert body.tell() < 400 * 1024, "of the file next to nothing is read"


def test_a_form_too_large_without_a_file_is_413_as_ever(browser, app):
    size = app.config["MAX_CONTENT_LENGTH"] + 1
    for body in (part("first_name", "x" * size), b"x" * size):
        answer = browser().post(
            "/public/leads", data=body, content_type=MULTIPART, headers={"Accept": BROWSER}
        )
        assert answer.status_code == 413


def test_a_form_changed_after_it_was_sent_comes_back_ready_to_be_sent_as_a_new_one(client, given, rows):
    # Somebody goes back after the thank-you page, changes the name and sends again.
    given(UserFactory)
    client.submit(accept=BROWSER, submission_id="used")
    answer = client.submit(accept=BROWSER, submission_id="used", first_name="Joan")
    assert answer.status_code == 422
    page = Page(answer.text)
    assert page.inputs()["first_name"]["value"] == "Joan"
    assert page.inputs()["email"]["value"] == "jane@example.com"
    fresh = page.inputs()["submission_id"]["value"]
    assert fresh
    assert fresh != "used"
    assert client.submit(accept=BROWSER, submission_id=fresh, first_name="Joan").status_code == 303
    assert [lead.first_name for lead in rows(Lead)] == ["Jane", "Joan"]


def test_a_form_without_a_key_comes_back_with_one(client):
    page = Page(client.submit(accept=BROWSER, email="no").text)
    assert page.inputs()["submission_id"]["value"]


def test_a_key_that_is_no_key_is_said_on_the_page_and_replaced(client):
    page = Page(client.submit(accept=BROWSER, submission_id="two words").text)
    assert "255 visible ASCII" in page.source
    assert page.mistakes == []
    assert uuid.UUID(page.inputs()["submission_id"]["value"])


PREFERENCES = (
    (BROWSER, True),
    ("text/html", True),
    ("text/html, application/json;q=0.5", True),
    ("application/json", False),
    ("application/json, text/html;q=0.5", False),
    ("*/*", False),
    ("", False),
    ("text/*;q=0.1, application/*", False),
    ("nonsense", False),
    ("application/json, text/html", False),
)


def test_only_who_prefers_html_gets_a_page(client):
    for accept, is_page in PREFERENCES:
        assert client.submit(accept=accept).status_code == (303 if is_page else 201), accept
        refused = client.submit(accept=accept, email="no")
        assert refused.status_code == 422
        assert refused.content_type.startswith("text/html") is is_page, accept


def test_other_mistakes_are_a_page_with_the_same_words(client):
    headers = {"Accept": BROWSER}
    answers = [
        client.post("/public/leads", json={}, headers=headers),
        client.post("/public/leads", content_type="multipart/form-data", data=b"x", headers=headers),
        client.post(
            "/public/leads?x=<i>1</i>", content_type="multipart/form-data; boundary=x", headers=headers
        ),
        client.get("/public/leads", headers=headers),
        client.get("/public/<b>nothing</b>", headers=headers),
    ]
    assert [answer.status_code for answer in answers] == [415, 400, 422, 405, 404]
    for answer in answers:
        assert answer.content_type == "text/html; charset=utf-8"
        page = Page(answer.text)
        assert page.mistakes == []
        assert page.all("i", "b") == []
        assert answer.headers["X-Request-Id"] in page.source
        assert str(answer.status_code) in page.source


def test_what_is_far_too_long_comes_back_cut_with_the_usual_sentence(client, app, rows):
    heap = "e" + "\u0301" * 24_000 + "\u0316" * 24_000
    for field, label in (("first_name", "First name"), ("last_name", "Last name")):
        for text in (heap, "x" * 48_000):
            answer = client.submit(accept=BROWSER, **{field: text})
            assert answer.status_code == 422
            page = Page(answer.text)
            assert f"{label}: use 100 characters at most." in answer.text
            shown = page.inputs()[field]["value"]
            assert text.startswith(shown)
            assert 100 <= len(shown) <= 400
    assert client.submit(first_name=heap).json["errors"] == {
        "first_name": ["First name: use 100 characters at most."]
    }
    assert nothing_is_kept(app, rows)


def test_every_field_that_is_far_too_long_is_refused_and_none_is_repeated_whole(client, app, rows):
    heap = "\u0301\u0316" * 6_000
    fields = ("first_name", "last_name", "email", "practice_area", "language", "submission_id")
    answer = client.submit(**dict.fromkeys(fields, heap))
    assert answer.status_code == 422
    assert set(answer.json["errors"]) == set(fields)
    assert len(answer.data) < 3_000
    assert len(client.submit(accept=BROWSER, **dict.fromkeys(fields, heap)).data) < 30_000
    assert nothing_is_kept(app, rows)


def test_a_key_that_is_far_too_long_is_refused_in_a_header_too(client, app, rows):
    for length in (256, 900):
        answer = client.submit(key="k" * length)
        assert answer.json["errors"] == {"submission_id": ["Use 1 to 255 visible ASCII characters."]}
    assert nothing_is_kept(app, rows)
