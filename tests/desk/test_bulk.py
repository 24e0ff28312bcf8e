"""Acts on many leads at the desk: what is asked before, and a refusal that keeps the selection."""

from __future__ import annotations

import pytest

from leadintake.leads.models import LeadEvent
from tests.factories import LeadFactory
from tests.support.html import Page

PATH = "/desk/leads/bulk"


@pytest.fixture
def client(browser, amara):
    return browser().sign_in(amara)


@pytest.fixture
def own(given, amara):
    return [given(LeadFactory, assigned_to=amara) for _ in range(2)]


@pytest.mark.parametrize(
    ("act", "typed", "reason"),
    [
        ("outcome", "", "Choose the outcome."),
        ("note", "", "Write the note."),
        ("tags", ",".join("abcdefghijk"), "10"),
    ],
)
def test_a_refusal_keeps_the_selection_and_what_was_typed(client, own, rows, act, typed, reason):
    keys = [lead.reference for lead in own]
    answer = client.post(PATH, data={"act": act, "lead": keys, f"{act}_value": typed})
    page = Page(answer.text)
    assert (answer.status_code, page.mistakes) == (422, [])
    assert reason in answer.text
    assert typed in answer.text
    sent = {"act": act, "ids": page.inputs()["ids"]["value"]}
    good = "hired" if act == "outcome" else "vip"
    question = client.post(PATH, data={**sent, f"{act}_value": good})
    assert question.status_code == 200
    assert "of 2 leads?" in question.text or "on 2 leads?" in question.text
    done = client.post(f"{PATH}/done", data={**sent, f"{act}_value": good})
    assert done.status_code == 200
    assert {event.lead_id for event in rows(LeadEvent)} == {lead.id for lead in own}


def test_the_question_says_which_will_be_refused(client, given, own, bruno):
    others = [given(LeadFactory, assigned_to=bruno), given(LeadFactory)]
    sent = {"lead": [str(lead.id) for lead in own + others], "outcome_value": "hired", "note_value": "Hello"}
    question = client.post(PATH, data={"act": "outcome", **sent}).text
    assert "Set the outcome of 2 leads?" in question
    assert "2 of these are not yours, and stay as they are." in question
    assert "They are closed" in question
    assert "not yours" not in client.post(PATH, data={"act": "note", **sent}).text


def test_a_manager_is_refused_none(browser, max_, own):
    sent = {"act": "tags", "lead": [str(lead.id) for lead in own], "tags_value": "vip"}
    assert "not yours" not in browser().sign_in(max_).post(PATH, data=sent).text
