"""POST /internal/leads: a lead that staff enter, after a call or a visit."""

from __future__ import annotations

import io

import pytest

from leadintake.audit.models import AuditEntry
from leadintake.leads.models import Lead, LeadEvent, Screen
from leadintake.notifications.models import Notification
from tests.factories import LeadFactory, ScreenFactory, UserFactory
from tests.support.client import PDF
from tests.support.leads import files_of
from tests.support.outbox import deliver

ENTER = "/internal/leads"
CALLER = {"first_name": "Jane", "last_name": "Doe", "phone": "(202) 555-0123"}


@pytest.fixture
def settings():
    return {"PHONE_REGION": "US", "PRACTICE_AREAS": ["family"], "LANGUAGES": ["en", "es"]}


def enter(client, headers=None, **values):
    return client.post(ENTER, json={**CALLER, **values}, headers=headers)


@pytest.mark.every_engine
def test_a_caller_becomes_a_lead_as_a_prospect_does(client, given, amara, max_, rows):
    staff = client.sign_in(max_)
    answer = enter(staff, practice_area="family", language="es")
    assert answer.status_code == 201, answer.text
    lead = answer.json
    assert answer.headers["Location"] == f"{ENTER}/{lead['id']}"
    assert answer.headers["ETag"] == staff.get(answer.headers["Location"]).headers["ETag"]
    told = ("source", "email", "phone", "resume", "status", "practice_area", "language", "version")
    values = ("staff", None, "+12025550123", None, "PENDING", "family", "es", 1)
    assert tuple(lead[name] for name in told) == values
    assert lead["assigned_to"]["id"] == str(amara.id)
    assert [(event.action, event.actor) for event in rows(LeadEvent)] == [
        ("entered", max_.email),
        ("assigned", "system"),
    ]
    entries = [entry for entry in rows(AuditEntry) if entry.action == "lead.entered"]
    assert [(entry.actor_id, str(entry.subject_id)) for entry in entries] == [(max_.id, lead["id"])]


def test_the_attorney_is_told_and_the_prospect_is_not(app, client, amara, max_, rows):
    assert enter(client.sign_in(max_), email="jane@example.com").status_code == 201
    (message,) = rows(Notification)
    assert (message.kind, message.recipient) == ("attorney_alert", amara.email)
    assert "was entered at" in message.text
    assert deliver(app) == 1


def test_who_gets_what_they_entered_is_not_mailed_about_it(client, amara, rows):
    answer = enter(client.sign_in(amara))
    assert answer.json["assigned_to"]["id"] == str(amara.id)
    assert rows(Notification) == []


def test_a_file_comes_as_a_form_and_is_inspected(app, client, max_, rows):
    staff = client.sign_in(max_)
    file = (io.BytesIO(PDF), "resume.pdf")
    answer = staff.post(ENTER, data={**CALLER, "resume_file": file}, content_type="multipart/form-data")
    assert answer.status_code == 201, answer.text
    assert answer.json["resume"]["filename"] == "resume.pdf"
    assert staff.get(f"{answer.headers['Location']}/resume").data == PDF
    bad = (io.BytesIO(b"MZ"), "resume.pdf")
    refused = staff.post(ENTER, data={**CALLER, "resume_file": bad}, content_type="multipart/form-data")
    assert (refused.status_code, [*refused.json["errors"]]) == (422, ["resume_file"])
    assert (len(rows(Lead)), len(files_of(app))) == (1, 1)


def test_a_form_without_a_file_is_enough(client, max_):
    answer = client.sign_in(max_).post(ENTER, data=CALLER, content_type="multipart/form-data")
    assert (answer.status_code, answer.json["resume"]) == (201, None)


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"phone": None}, {"email", "phone"}),
        ({"phone": "", "email": " "}, {"email", "phone"}),
        ({"first_name": "", "phone": None}, {"first_name", "email", "phone"}),
        ({"last_name": None}, {"last_name"}),
        ({"email": "jane@"}, {"email"}),
        ({"practice_area": "moon", "language": "xx"}, {"practice_area", "language"}),
        ({"note": "x"}, {"note"}),
        ({"source": "form"}, {"source"}),
        ({"phone": 5}, {"phone"}),
    ],
)
def test_what_is_wrong_is_named_at_once(client, max_, rows, changes, wrong):
    answer = enter(client.sign_in(max_), **changes)
    assert (answer.status_code, set(answer.json["errors"])) == (422, wrong)
    assert rows(Lead) == []


def test_one_name_is_enough(client, max_):
    answer = enter(client.sign_in(max_), last_name=None, one_name=True)
    assert (answer.status_code, answer.json["last_name"]) == (201, "-")


def test_two_clicks_are_one_lead_and_a_key_is_ones_own(client, browser, amara, max_, rows):
    staff = client.sign_in(max_)
    key = {"Idempotency-Key": "k1"}
    first, second = enter(staff, key), enter(staff, key)
    assert (first.status_code, second.status_code) == (201, 201)
    assert second.headers["Idempotency-Replayed"] == "true"
    assert first.json["id"] == second.json["id"]
    assert enter(staff, key, last_name="Roe").status_code == 422
    assert enter(browser().sign_in(amara), key).json["id"] != first.json["id"]
    assert browser().submit(key="k1").status_code == 201  # a prospect's key is not a colleague's
    assert len(rows(Lead)) == 3


def test_walls_and_earlier_attorneys_of_an_address_hold(client, given, amara, bruno, max_, rows):
    known = given(LeadFactory, email="jane@example.com", assigned_to=bruno)
    given(ScreenFactory, lead_id=known.id, user=amara)
    lead = enter(client.sign_in(max_), email="Jane+x@Example.com").json
    assert lead["assigned_to"]["id"] == str(bruno.id)
    assert lead["duplicates"] == [str(known.id)]
    assert {str(screen.lead_id) for screen in rows(Screen)} == {str(known.id), lead["id"]}
    alerts = [message.kind for message in rows(Notification)]
    assert alerts == ["attorney_alert"], "the prospect did not write again"


def test_who_is_behind_a_wall_learns_nothing_of_what_they_entered(client, given, amara, bruno):
    known = given(LeadFactory, email="jane@example.com", assigned_to=bruno)
    given(ScreenFactory, lead_id=known.id, user=amara)
    answer = enter(client.sign_in(amara), email="jane@example.com")
    assert answer.status_code == 201
    assert set(answer.json) == {"id", "reference", "first_name", "last_name"}
    assert client.get(answer.headers["Location"]).status_code == 404


def test_a_viewer_may_not(client, given, rows):
    assert enter(client.sign_in(given(UserFactory, "viewer"))).status_code == 403
    assert rows(Lead) == []


class TestOwnLeadsOnly:
    @pytest.fixture
    def settings(self):
        return {"ATTORNEY_VISIBILITY": "own"}

    def test_a_colleagues_lead_answers_its_reference_alone(self, client, given, amara, bruno):
        given(LeadFactory, assigned_to=amara)
        answer = enter(client.sign_in(amara))
        assert (answer.status_code, set(answer.json)) == (201, {"id", "reference", "first_name", "last_name"})


def test_other_bodies_are_refused(client, max_):
    staff = client.sign_in(max_)
    assert staff.post(ENTER, data=CALLER).status_code == 415
    assert staff.post(ENTER, data="{", content_type="application/json").status_code == 400


def test_the_document_names_both_answers(client):
    entered = client.get("/openapi.json").json["paths"]["/internal/leads"]["post"]["responses"]["201"]
    schemas = entered["content"]["application/json"]["schema"]["anyOf"]
    assert {schema["$ref"].rpartition("/")[2] for schema in schemas} == {"LeadDetail", "EntryReceipt"}
