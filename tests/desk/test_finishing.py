"""An act that meets an ended session, or another's, is kept, shown, and done only when asked for again."""

from __future__ import annotations

import io
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine

from leadintake.auth.models import SignedInSession
from leadintake.core.clock import now
from leadintake.core.db.database import db
from leadintake.core.db.transaction import transaction
from leadintake.desk.finishing import ACTS, GOOD_FOR, MAX_BYTES
from leadintake.leads.models import Lead
from tests.desk.test_entering import ACTS as ALL_ACTS
from tests.factories import LeadFactory, UserFactory
from tests.support.client import PASSWORD
from tests.support.html import Page

HERE, ELSEWHERE = {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "cross-site"}
WITH_SECRETS = {
    "desk.account.change_password", "desk.account.begin_app", "desk.account.confirm_app",
    "desk.account.remove_app", "desk.signing_in.sign_out",
}  # fmt: skip
REASON = "Represented her husband, «não»."


@pytest.fixture
def lead(given, amara):
    given(UserFactory)  # who gets it next
    return given(LeadFactory, assigned_to=amara)


@pytest.fixture
def end_sessions(app):
    """End all sessions: they were idle for too long."""

    def end() -> None:
        with app.app_context(), transaction():
            db.session.execute(db.update(SignedInSession).values(last_seen_at=now() - timedelta(days=1)))

    return end


def hidden(client, path: str, **changes: str) -> dict[str, str]:
    """The fields that the first form on a page sends by itself."""
    page = Page(client.get(path).text)
    own = {one["name"]: one["value"] for one in page.all("input") if one["type"] == "hidden"}
    return {**own, **changes}


def decline(client, lead, reason: str = REASON, headers=HERE):
    """Press "Decline" on a page that was opened before."""
    return client.post(
        f"/desk/leads/{lead.id}/decline", data=decline.form | {"reason": reason}, headers=headers
    )


@pytest.fixture
def signed_out(browser, amara, lead, end_sessions):
    """A browser with the page of the lead, in a session that has ended."""
    client = browser().sign_in(amara)
    decline.form = hidden(client, f"/desk/leads/{lead.id}")
    client.csrf_token = None
    end_sessions()
    return client


def sign_in(client, answer, user):
    """Sign in where the answer leads, and follow to the page after it."""
    assert answer.status_code == 303
    page = client.get(answer.location)
    assert "nothing that you typed is lost" in page.text
    wanted = parse_qs(urlsplit(answer.location).query)["next"][0]
    typed = {"email": user.email, "password": PASSWORD, "next": wanted}
    return client.post("/desk/sign-in", data=typed, follow_redirects=True)


def press(client, page: Page):
    """Press the button of the page that asks."""
    form = next(one for one in page.all("form") if "/desk/leads" in one["action"])
    fields = {one["name"]: one["value"] for one in page.all("input") if one["type"] == "hidden"}
    return client.post(form["action"], data=fields, headers=HERE, follow_redirects=True)


def test_what_was_typed_is_shown_after_signing_in_and_done_when_asked_for(signed_out, amara, lead, rows):
    answer = sign_in(signed_out, decline(signed_out, lead), amara)
    assert "Not done yet" in answer.text
    assert REASON in Page(answer.text).by_id("main").text
    assert "it will be recorded as yours" not in answer.text
    assert rows(Lead)[0].assignee_id == amara.id  # nothing happens by itself
    assert "You declined it" in press(signed_out, Page(answer.text)).text
    assert rows(Lead)[0].assignee_id != amara.id


def test_who_signs_in_instead_is_told_so(signed_out, bruno, max_, lead, rows):
    answer = sign_in(signed_out, decline(signed_out, lead), max_)
    assert "Amara Attorney began this. You are signed in as Max Manager" in answer.text
    assert rows(Lead)[0].version == 1


def test_a_page_of_another_session_asks_too(browser, amara, max_, lead, rows):
    client = browser().sign_in(amara)
    decline.form = hidden(client, f"/desk/leads/{lead.id}")
    client.sign_in(max_).csrf_token = None
    answer = decline(client, lead)
    assert answer.location.startswith("/desk/finish?act=")
    page = client.get(answer.location).text
    assert "Amara Attorney began this. You are signed in as Max Manager" in page
    assert rows(Lead)[0].version == 1


@pytest.mark.parametrize("headers", [ELSEWHERE, {"Origin": "https://evil.example"}, {}])
def test_nothing_is_kept_of_what_another_site_sent(signed_out, lead, headers):
    answer = decline(signed_out, lead, headers=headers | {"Accept": "text/html"})
    assert answer.status_code == 401
    assert "Please sign in first." in answer.text


@pytest.mark.parametrize("end", ["", "AAAAAA"])
def test_an_address_that_we_did_not_make_does_nothing(signed_out, amara, lead, end):
    answer = decline(signed_out, lead)
    act = parse_qs(urlsplit(parse_qs(urlsplit(answer.location).query)["next"][0]).query)["act"][0]
    signed_out.sign_in(amara)
    page = signed_out.get(
        "/desk/finish", query_string={"act": act[: -len(end)] + end if end else end}, follow_redirects=True
    )
    assert "This cannot be finished any more" in page.text


def test_after_half_an_hour_it_cannot_be_finished(signed_out, amara, lead):
    answer = decline(signed_out, lead)
    with time_machine.travel(now() + GOOD_FOR + timedelta(seconds=1)):
        assert "This cannot be finished any more" in sign_in(signed_out, answer, amara).text


def test_an_act_too_long_to_keep_is_in_the_answer(signed_out, lead):
    answer = decline(signed_out, lead, "x" * MAX_BYTES)
    assert answer.status_code == 401
    assert Page(answer.text).by_id("reason").text.strip() == "x" * MAX_BYTES


CALL = {"channel": "phone", "outcome": "left_message", "note": "With her sister. " * 200}


def test_choices_of_a_long_contact_are_words(signed_out, lead):
    data = decline.form | CALL
    answer = signed_out.post(f"/desk/leads/{lead.id}/contacts", data=data, headers=HERE)
    page = Page(answer.text)
    assert (answer.status_code, page.mistakes) == (401, [])
    words = page.by_id("main").text
    assert ("Phone" in words, "Left a message" in words, "left_message" in words) == (True, True, False)
    assert page.by_id("note").text.strip() == CALL["note"].strip()
    assert page.inputs()["outcome"]["value"] == "left_message"


@pytest.mark.parametrize(
    ("typed", "title"),
    [
        (
            {"act": "assign", "user_id": "AMARA", "text": "", "tags": ""},
            "Hand over 2 leads to Amara Attorney",
        ),
        ({"act": "assign", "user_id": "nobody"}, "Take 2 leads from their attorneys"),
        (
            {"act": "outcome", "outcome": "hired", "everything": "1"},
            "Set the outcome of all leads of the list",
        ),
        ({"act": "note", "text": "Pelican", "outcome": "hired"}, "Write a note on 2 leads"),
    ],
)
def test_an_act_on_several_leads_says_what_it_is(signed_out, amara, typed, title):
    typed = {name: value.replace("AMARA", str(amara.id)) for name, value in typed.items()}
    data = {**decline.form, **typed, "lead": ["a", "b"]}
    page = sign_in(signed_out, signed_out.post("/desk/leads/bulk", data=data, headers=HERE), amara)
    words = Page(page.text).by_id("main").text
    assert title in words
    assert ("Pelican" in words, "Hired" in words) == (typed["act"] == "note", typed["act"] == "outcome")
    for raw in ("assign", "everything", "user id", "nobody"):
        assert raw not in words


def test_a_new_lead_with_a_file_keeps_what_was_typed_and_asks_for_the_file(signed_out, amara, rows):
    typed = {"first_name": "Pelican", "last_name": "Roe", "email": "", "phone": "+1 212 555 0123"}
    file = (io.BytesIO(b"%PDF-1.4"), "resume.pdf")
    data = {**decline.form, **typed, "resume_file": file}
    answer = sign_in(signed_out, signed_out.post("/desk/leads/new", data=data, headers=HERE), amara)
    page = Page(answer.text)
    assert "Pelican" in page.by_id("main").text
    assert "Choose the file again" in page.by_id("main").text
    assert page.inputs()["resume_file"]["type"] == "file"
    assert press(signed_out, page).status_code == 200
    assert rows(Lead)[-1].first_name == "Pelican"


@pytest.mark.parametrize("token", ["", "x", None])
def test_nothing_is_kept_of_a_program_that_claims_to_be_a_page(signed_out, lead, token):
    decline.form = {name: value for name, value in decline.form.items() if name != "csrf_token"}
    decline.form |= {} if token is None else {"csrf_token": token}
    assert decline(signed_out, lead).status_code == 401


def test_no_password_is_kept(browser, amara, end_sessions):
    client = browser().sign_in(amara)
    token, client.csrf_token = client.csrf_token, None
    end_sessions()
    typed = {"csrf_token": token, "current_password": "a secret", "new_password": "another secret"}
    answer = client.post("/desk/account/password", data=typed, headers=HERE)
    assert (answer.status_code, "finish" in answer.location) == (303, False)


def test_every_act_has_a_name_or_a_reason_to_be_forgotten(app):
    found = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if "POST" in rule.methods and ("POST", rule.rule) in ALL_ACTS
    }
    assert found == set(ACTS) | WITH_SECRETS
