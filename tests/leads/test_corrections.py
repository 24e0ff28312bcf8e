"""The thank-you page belongs to the browser that sent the form, which may correct the address for an hour."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine

from leadintake.audit.models import AuditEntry
from leadintake.core.clock import now
from leadintake.core.db.database import db
from leadintake.core.db.transaction import transaction
from leadintake.leads.intake.corrections import CLOSED, MAX_CORRECTIONS
from leadintake.leads.models import Lead, LeadEvent
from leadintake.leads.reference import draw_reference
from leadintake.leads.replies.service import UNDO_SECONDS
from leadintake.leads.status import LeadStatus
from leadintake.notifications.models import Notification, Status
from tests.factories import LeadFactory, ScreenFactory, UserFactory
from tests.support.client import filled
from tests.support.html import Page
from tests.support.leads import thanks_for
from tests.support.outbox import delivered
from tests.support.overlap import Overlap

BROWSER = {"Accept": "text/html"}
CONFIRMATION = "prospect_confirmation"


@pytest.fixture
def amara(given):
    return given(UserFactory, email="amara@firm.example.com")


@pytest.fixture
def thanks(client, amara) -> str:
    """The address of the thank-you page of somebody who mistyped their address."""
    location: str = client.submit(accept="text/html", email="jane@gmial.com").headers["Location"]
    return location


def correct(client: Any, thanks: str, email: str) -> Any:
    return client.post(f"{thanks}/email", data={"email": email}, headers=BROWSER)


def only_lead(rows: Any) -> Lead:
    (lead,) = rows(Lead)
    return lead


def confirmed(rows: Any) -> list[str]:
    """Whom a confirmation is or was sent to."""
    return [
        one.recipient for one in rows(Notification) if one.kind == CONFIRMATION and one.deleted_at is None
    ]


class TestTheAddressOfThePage:
    def test_it_is_signed_and_thanks_with_reference_and_address(self, client, thanks, rows):
        page = client.get(thanks)
        assert page.status_code == 200
        assert "We have received your information" in page.text
        assert "jane@gmial.com" in page.text
        assert only_lead(rows).reference in page.text

    def test_the_script_of_the_page_is_given_it_and_a_program_is_answered_as_ever(self, client, amara):
        opened = Page(client.get("/").text).inputs()["opened"]["value"]
        with time_machine.travel(now() + timedelta(minutes=1)):
            first, again = (client.submit(key="once", opened=opened) for _ in range(2))
        assert client.get(first.headers["Location"]).status_code == 200
        assert (again.headers["Location"], again.json) == (first.headers["Location"], first.json)
        program = client.submit()
        assert "Location" not in program.headers
        assert program.json.keys() == first.json.keys()

    def test_without_its_signature_or_with_that_of_another_it_claims_nothing(self, app, client, thanks, rows):
        reference, other = only_lead(rows).reference, thanks_for(app, draw_reference()).rpartition("/")[2]
        pages = [
            client.get(f"/thanks/{end}", headers=BROWSER)
            for end in (
                reference,
                f"{reference}/x",
                f"{reference}/é",
                f"{reference}/{other}",
                draw_reference(),
            )
        ]
        for page in pages:
            assert page.status_code == 404
            assert page.headers["Cache-Control"] == "no-store"
            assert "received your" not in page.text
            assert "jane@" not in page.text
            assert [link["href"] for link in Page(page.text).all("a") if not link["hreflang"]] == ["/"]

    def test_a_lead_of_an_older_process_is_thanked_by_its_id(self, app, client, given):
        lead = given(LeadFactory, reference="")
        assert lead.email in client.get(thanks_for(app, lead.id)).text

    def test_a_key_that_was_rotated_out_still_signs(self, app, client, thanks):
        app.config.update(SECRET_KEY="another", SECRET_KEY_FALLBACKS=[app.config["SECRET_KEY"]])
        assert client.get(thanks).status_code == 200

    def test_after_an_hour_it_thanks_and_shows_the_address_no_more(self, client, thanks):
        with time_machine.travel(now() + timedelta(hours=1, seconds=1), tick=False):
            page = client.get(thanks)
        assert page.status_code == 200
        assert "jane@" not in page.text
        assert "/email" not in page.text

    def test_a_lead_in_quarantine_is_thanked_like_any_other(self, client, given, amara):
        pages = []
        for change in ({}, {"remarks": "https://spam.example"}):
            thanks = client.submit(accept="text/html", **change).headers["Location"]
            answers = [client.get(thanks), client.get(f"{thanks}/email")]
            answers.append(client.post(f"{thanks}/email", data={"email": "jane@other.example.com"}))
            answers.append(client.get(thanks))
            pages.append(
                [(one.status_code, re.sub(r"\w{4}-\w{4}(/\w{64})?", "", one.text)) for one in answers]
            )
        assert pages[0] == pages[1]
        assert [status for status, _ in pages[1]] == [200, 200, 303, 200]

    def test_a_lead_in_quarantine_is_corrected_in_silence(self, client, rows, amara):
        thanks = client.submit(accept="text/html", remarks="https://spam.example").headers["Location"]
        client.post(f"{thanks}/email", data={"email": "jane@other.example.com"})
        (lead,) = rows(Lead)
        assert (lead.email, rows(Notification)) == ("jane@other.example.com", [])


class TestTheQuestion:
    def test_a_slip_is_asked_about_and_one_click_leads_to_the_form_with_the_suggestion(self, client, thanks):
        page = Page(client.get(thanks).text)
        assert "Did you mean" in page.source
        (link,) = (one for one in page.all("a") if one.text == "Yes, correct it")
        field = Page(client.get(link["href"]).text).inputs()["email"]
        assert (field["type"], field["value"]) == ("email", "jane@gmail.com")

    def test_an_address_without_a_slip_is_shown_and_not_asked_about(self, client, amara):
        page = Page(client.get(client.submit(accept="text/html").headers["Location"]).text)
        assert "Did you mean" not in page.source
        (link,) = (one for one in page.all("a") if one.text == "Wrong? Correct it")
        assert Page(client.get(link["href"]).text).inputs()["email"]["value"] == "jane@example.com"

    def test_in_spanish_it_stays_spanish_all_the_way(self, client, amara):
        answer = client.post(
            "/public/leads?lang=es",
            data=filled(email="jane@gmial.com"),
            headers=BROWSER,
        )
        page = Page(client.get(answer.headers["Location"]).text)
        (link,) = (one for one in page.all("a") if "step" in one["class"])
        assert "¿Quiso decir" in page.source
        assert link["href"].endswith("?lang=es")
        corrected = client.post(link["href"], data={"email": "jane@gmail.com"})
        assert "Usted corrigió" in client.get(corrected.headers["Location"]).text


class TestCorrecting:
    @pytest.mark.every_engine
    def test_the_lead_has_the_new_address_and_the_confirmation_goes_out_again(self, client, thanks, rows):
        answer = correct(client, thanks, " <jane@GMAIL.com> ")
        assert (answer.status_code, answer.headers["Location"]) == (303, thanks)
        lead = only_lead(rows)
        assert (lead.email, lead.folded_email, lead.version) == ("jane@gmail.com", "jane@gmail.com", 2)
        assert confirmed(rows) == ["jane@gmail.com"]
        page = client.get(thanks).text
        assert "You corrected your e-mail address" in page
        assert "gmial" not in page

    @pytest.mark.every_engine
    def test_it_is_found_by_the_new_address_and_no_more_by_the_old_one(self, client, given, thanks):
        correct(client, thanks, "jane@elsewhere.example")
        client.sign_in(given(UserFactory, "manager"))
        for text, number in (("gmial", 0), ("elsewhere", 1), ("doe", 1), ("ia", 0)):
            found = client.get("/internal/leads", query_string={"q": text, "count": "true"}).json
            assert (len(found["items"]), found["total"]) == (number, number), text

    def test_it_is_on_record_in_the_history_and_in_the_trail_without_words(self, client, thanks, rows):
        correct(client, thanks, "jane@gmail.com")
        (event,) = (one for one in rows(LeadEvent) if one.action == "email_corrected")
        assert (event.actor, event.detail) == ("prospect", "from jane@gmial.com to jane@gmail.com")
        (entry,) = (one for one in rows(AuditEntry) if one.action == "lead.email_corrected")
        assert (entry.actor_kind, entry.subject_id) == ("anybody", only_lead(rows).id)
        assert "jane" not in str(entry.detail)

    def test_a_confirmation_that_left_stays_and_another_goes_to_the_new_address(
        self, app, client, thanks, rows
    ):
        delivered(app)
        correct(client, thanks, "jane@gmail.com")
        assert confirmed(rows) == ["jane@gmial.com", "jane@gmail.com"]

    def test_two_clicks_are_one_correction(self, client, thanks, rows):
        for _ in range(2):
            assert correct(client, thanks, "jane@gmail.com").status_code == 303
        assert confirmed(rows) == ["jane@gmail.com"]
        assert [one.action for one in rows(LeadEvent)].count("email_corrected") == 1

    def test_sent_unchanged_it_changes_nothing(self, client, thanks, rows):
        assert correct(client, thanks, "jane@gmial.com").status_code == 303
        assert only_lead(rows).version == 1
        assert len(confirmed(rows)) == 1

    @pytest.mark.parametrize("typed", ["", "jane@", "jane@x", "x" * 400, "jane\u202e@example.com"])
    def test_what_the_form_refuses_is_refused_with_its_words_and_kept(self, client, thanks, rows, typed):
        on_form = Page(client.submit(accept="text/html", email=typed).text)
        answer = correct(client, thanks, typed)
        page = Page(answer.text)
        assert (answer.status_code, page.mistakes) == (422, [])
        assert page.by_id("email-error").text.strip() == on_form.by_id("email-error").text.strip()
        assert page.inputs()["email"]["value"] == on_form.inputs()["email"]["value"]
        assert only_lead(rows).email == "jane@gmial.com"

    def test_a_replay_of_the_submission_gets_the_first_answer(self, client, amara, rows):
        first = client.submit(key="once", email="jane@gmial.com")
        thanks = client.submit(key="once", email="jane@gmial.com", accept="text/html").headers["Location"]
        correct(client, thanks, "jane@gmail.com")
        again = client.submit(key="once", email="jane@gmial.com")
        assert (again.status_code, again.json) == (201, first.json)
        assert len(rows(Lead)) == 1


@pytest.mark.every_engine
class TestAtTheSameMoment:
    @pytest.fixture
    def overlap(self, app, monkeypatch):
        return Overlap(app, monkeypatch)

    def test_two_clicks_are_one_correction(self, app, overlap, thanks, rows):
        answers = overlap.run(*[lambda: correct(app.test_client(), thanks, "jane@gmail.com").status_code] * 2)
        assert answers == (303, 303)
        assert confirmed(rows) == ["jane@gmail.com"]
        assert only_lead(rows).version == 2

    def test_who_was_just_reached_corrects_nothing(self, app, client, given, overlap, thanks, rows):
        client.sign_in(given(UserFactory, "manager"))
        path = f"/internal/leads/{only_lead(rows).id}"
        answers = overlap.run(
            lambda: client.patch(path, json={"status": "REACHED_OUT"}).status_code,
            lambda: correct(app.test_client(), thanks, "jane@gmail.com").status_code,
        )
        assert answers == (200, 409)
        assert only_lead(rows).email == "jane@gmial.com"


class TestWhoIsTold:
    def test_the_attorney_is_told_and_sees_the_new_address(self, app, client, amara, thanks, rows):
        delivered(app)
        correct(client, thanks, "jane@gmail.com")
        (told,) = (one for one in delivered(app) if one.kind == "email_corrected")
        assert told.recipient == amara.email
        lead = only_lead(rows)
        assert (told.lead_id, told.subject) == (
            lead.id,
            f"A prospect corrected their e-mail address: {lead.reference}",
        )
        assert f"/desk/leads/{lead.id}" in told.text
        client.sign_in(amara)
        page = client.get(f"/desk/leads/{lead.id}").text
        assert "mailto:jane@gmail.com" in page
        assert "corrected the e-mail address" in page

    def test_a_reply_that_did_not_leave_goes_to_no_former_address(
        self, app, client, browser, amara, thanks, rows
    ):
        lead, attorney = only_lead(rows), browser().sign_in(amara)
        words = {"subject": "About your inquiry", "body": "Dear Jane"}
        assert attorney.post(f"/internal/leads/{lead.id}/replies", json=words).status_code == 201
        with time_machine.travel(now() + timedelta(seconds=UNDO_SECONDS + 1), tick=False):
            reopened = attorney.patch(f"/internal/leads/{lead.id}", json={"status": "PENDING"})
            assert reopened.status_code == 200
            assert correct(client, thanks, "jane@gmail.com").status_code == 303
        assert [one for one in rows(Notification) if one.kind == "reply" and one.deleted_at is None] == []
        (entry,) = (one for one in rows(LeadEvent) if one.action == "reply_taken_back")
        assert entry.detail == "About your inquiry (not sent: the address was corrected)"

    def test_nobody_is_told_of_a_lead_that_nobody_has(self, client, given, rows):
        given(UserFactory, "manager")
        location = client.submit(accept="text/html").headers["Location"]
        correct(client, location, "jane@gmail.com")
        assert not [one for one in rows(Notification) if one.kind == "email_corrected"]

    def test_a_message_that_waits_goes_to_nobody_who_lost_the_lead(
        self, app, client, given, amara, thanks, rows
    ):
        correct(client, thanks, "jane@gmail.com")
        bruno = given(UserFactory, email="bruno@firm.example.com")
        client.sign_in(given(UserFactory, "manager"))
        path = f"/internal/leads/{only_lead(rows).id}/assignee"
        assert client.put(path, json={"user_id": str(bruno.id)}).status_code == 200
        assert not [one for one in delivered(app) if one.recipient == amara.email]


def is_refused(client: Any, thanks: str) -> bool:
    """Whether page and correction say that it cannot be corrected any more."""
    answers = client.get(f"{thanks}/email", headers=BROWSER), correct(client, thanks, "x@gmail.com")
    return all(answer.status_code == 409 and CLOSED in answer.text for answer in answers)


def test_after_an_hour_it_may_not_be_corrected_any_more(client, thanks):
    with time_machine.travel(now() + timedelta(minutes=59), tick=False):
        assert not is_refused(client, thanks)
    with time_machine.travel(now() + timedelta(hours=1, seconds=1), tick=False):
        assert is_refused(client, thanks)


def test_after_a_few_corrections_it_may_not_be_corrected_any_more(client, thanks, rows):
    for number in range(MAX_CORRECTIONS):
        assert correct(client, thanks, f"jane{number}@example.com").status_code == 303
    assert correct(client, thanks, "one-more@example.com").status_code == 409
    assert confirmed(rows) == [f"jane{MAX_CORRECTIONS - 1}@example.com"]


class TestWhoMayNoMore:
    @pytest.mark.parametrize(
        "change",
        [
            {"status": LeadStatus.REACHED_OUT},
            {"deleted_at": now()},
        ],
        ids=["reached out", "deleted"],
    )
    def test_of_a_lead_that_went_on(self, app, client, thanks, rows, change):
        with app.app_context(), transaction():
            db.session.execute(sa.update(Lead).values(**change))
        assert is_refused(client, thanks)
        assert only_lead(rows).email == "jane@gmial.com"

    def test_without_the_signature(self, app, client, thanks, rows):
        reference = only_lead(rows).reference
        for path in (f"/thanks/{reference}/x/email", f"/thanks/{draw_reference()}/x/email"):
            for answer in (
                client.get(path, headers=BROWSER),
                client.post(path, data={"email": "x@gmail.com"}),
            ):
                assert answer.status_code == 404
                assert "Nothing to show here" in answer.text
        assert only_lead(rows).email == "jane@gmial.com"


class TestLimits:
    class TestOfSubmissions:
        @pytest.fixture
        def settings(self):
            return {"RATE_LIMIT_SUBMISSIONS": "2 per hour"}

        def test_a_correction_counts_as_a_submission(self, client, thanks, rows):
            assert correct(client, thanks, "jane1@gmail.com").status_code == 303
            assert correct(client, thanks, "jane2@gmail.com").status_code == 429
            assert only_lead(rows).email == "jane1@gmail.com"

    class TestOfConfirmations:
        @pytest.fixture
        def settings(self):
            return {"CONFIRMATIONS_PER_DAY": 1}

        def test_they_hold_for_the_new_address_and_the_page_does_not_tell(self, client, thanks, rows):
            client.submit(email="victim@example.com")
            known = correct(client, thanks, "victim@example.com")
            assert (known.status_code, known.headers["Location"]) == (303, thanks)
            assert confirmed(rows) == ["victim@example.com"]
            (event,) = (one for one in rows(LeadEvent) if one.action == "not_confirmed")
            assert event.detail == "this address was sent 1 within a day"


class TestAsTheFormWould:
    def test_it_is_a_duplicate_of_the_leads_of_its_new_address(self, client, given, thanks, rows):
        earlier = given(LeadFactory, email="jane@gmail.com")
        correct(client, thanks, "jane@gmail.com")
        client.sign_in(given(UserFactory, "manager"))
        (lead,) = (one for one in rows(Lead) if one.id != earlier.id)
        assert client.get(f"/internal/leads/{lead.id}").json["duplicates"] == [str(earlier.id)]

    @pytest.mark.every_engine
    def test_the_screens_of_the_client_come_with_the_address(self, app, client, given, amara, thanks, rows):
        delivered(app)
        earlier = given(LeadFactory, email="jane@gmail.com", reference=draw_reference())
        given(ScreenFactory, lead_id=earlier.id, user=amara)
        bruno = given(UserFactory, email="bruno@firm.example.com")
        correct(client, thanks, "jane@gmail.com")
        (lead,) = (one for one in rows(Lead) if one.id != earlier.id)
        assert lead.assignee_id == bruno.id
        later = [one for one in rows(Notification) if one.status is Status.QUEUED and one.due_at]
        assert sorted((one.kind, one.recipient) for one in later) == [
            ("attorney_alert", bruno.email),
            (CONFIRMATION, "jane@gmail.com"),
        ]
        client.sign_in(amara)
        assert client.get(f"/internal/leads/{lead.id}").status_code == 404
