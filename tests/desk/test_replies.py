"""The page that writes to a prospect, and the templates: what was typed stays, whatever happens."""

from __future__ import annotations

from datetime import timedelta

import pytest

from leadintake.auth.models import SignedInSession
from leadintake.core.clock import now
from leadintake.core.db.database import db
from leadintake.core.db.transaction import transaction
from leadintake.leads.models import Lead
from leadintake.leads.replies.models import Reply, ReplyTemplate
from leadintake.leads.status import LeadStatus
from leadintake.notifications.models import Notification, Status
from tests.factories import LeadFactory, NotificationFactory, ReplyFactory, ReplyTemplateFactory
from tests.support.client import PASSWORD
from tests.support.html import Page

HERE = {"Sec-Fetch-Site": "same-origin"}
LONG = "A long letter, «señora».\n" * 300


@pytest.fixture
def lead(given, amara):
    return given(LeadFactory, assigned_to=amara, first_name="Jane", language="es")


@pytest.fixture
def address(lead):
    return f"/desk/leads/{lead.id}"


@pytest.fixture
def attorney(browser, amara):
    return browser().sign_in(amara)


def form_of(client, path: str) -> dict[str, str]:
    """The fields that the form of a page sends, filled in as they are."""
    page = Page(client.get(path).text)
    fields = {one["name"]: one["value"] for one in page.all("input") if one["name"]}
    return {**fields, "body": typed_in(client.get(path).text)}


def typed_in(text: str) -> str:
    return Page(text).by_id("body").text.strip()


def test_a_template_fills_the_form_without_a_script(attorney, address, rows, lead):
    spanish = next(one for one in rows(ReplyTemplate) if one.name == "Primer contacto")
    listed = Page(attorney.get(f"{address}/replies").text)
    offered = [one["value"] for one in listed.all("button") if one["name"] == "begin"]
    by_language = {str(one.id): one.language for one in rows(ReplyTemplate)}
    assert [by_language[template] for template in offered] == ["es"] * 4 + ["en"] * 4
    filled = form_of(attorney, f"{address}/replies?template={spanish.id}")
    assert filled["subject"] == f"Su consulta {lead.reference}"
    assert "Hola, Jane:" in filled["body"]
    assert "Amara Attorney" in filled["body"]


def test_a_template_replaces_ones_own_text_only_when_asked_to(attorney, address, rows):
    first, second = (str(one.id) for one in rows(ReplyTemplate)[:2])
    words = form_of(attorney, f"{address}/replies") | {"subject": "", "body": "My own.", "begin": first}
    begun = attorney.post(f"{address}/replies", data=words)
    assert begun.status_code == 200
    assert typed_in(begun.text) == "My own."
    assert Page(begun.text).inputs()["subject"]["value"]
    (replace,) = (one["value"] for one in Page(begun.text).all("button") if one["name"] == "replace")
    replaced = attorney.post(f"{address}/replies", data={**words, "begin": "", "replace": replace})
    assert "My own." not in replaced.text
    filled = {"subject": Page(replaced.text).inputs()["subject"]["value"], "body": typed_in(replaced.text)}
    other = attorney.post(
        f"{address}/replies",
        data={
            **words,
            **filled,
            "body": filled["body"].replace("\n", "\r\n"),
            "template": first,
            "begin": second,
        },
    )
    assert typed_in(other.text) != filled["body"]  # what a template filled in is nobody's own
    assert "still there" not in other.text
    assert rows(Reply) == []


@pytest.mark.parametrize("wanted", ["", "x", "01a22828-0283-72db-b0c3-b46f6becb398"])
def test_a_template_that_does_not_exist_leaves_the_form_empty(attorney, address, wanted):
    assert form_of(attorney, f"{address}/replies?template={wanted}")["body"] == ""


def test_what_is_sent_can_be_undone_on_the_page_of_the_lead(attorney, address, rows):
    words = {**form_of(attorney, f"{address}/replies"), "subject": "A call", "body": "May I?"}
    sent = attorney.post(f"{address}/replies", data=words)
    assert sent.status_code == 303
    page = Page(attorney.get(sent.location).text)
    assert "Sent in ten seconds: A call" in page.by_id("held").text
    assert [one.text for one in page.all("button") if one["data-key"] == "u"] == ["Undo the reply “A call”"]
    assert "Undo “reached out”" not in page.by_id("lead").text
    assert "Take it back" not in page.by_id("replies").text
    assert page.by_id("story").text.count("A call") == 1
    (undo,) = (one["action"] for one in page.all("form") if "/undo" in one["action"])
    back = attorney.post(undo, follow_redirects=True)
    assert "Taken back: nothing was sent. This prospect waits again." in back.text
    assert "A call" not in Page(back.text).by_id("lead").text
    assert rows(Lead)[0].status is LeadStatus.PENDING
    assert "not" in attorney.post(undo, follow_redirects=True).text


def test_the_page_shows_what_became_of_a_reply(app, given, attorney, amara, address, lead):
    for subject, status in (("One", Status.SENT), ("Two", Status.FAILED), ("Three", Status.QUEUED)):
        message = given(NotificationFactory, kind="reply", lead_id=lead.id, status=status)
        given(ReplyFactory, lead_id=lead.id, by=amara, subject=subject, message=message, body="<b>Dear</b>")
    text = attorney.get(address).text
    replies = Page(text).by_id("replies").text
    assert "One by" in replies
    assert "Take it back" in replies
    assert "&lt;b&gt;Dear" in text
    held = Page(text).by_id("held").text
    assert "Sent: One" in held
    assert "Could not be delivered: Two" in held


def test_a_second_click_sends_one_mail(attorney, address, rows):
    words = {**form_of(attorney, f"{address}/replies"), "subject": "A call", "body": "May I?"}
    for _ in range(2):
        assert attorney.post(f"{address}/replies", data=words).status_code == 303
    assert len(rows(Notification)) == len(rows(Reply)) == 1


class TestWhatWasTyped:
    @pytest.fixture
    def words(self, attorney, address):
        return {**form_of(attorney, f"{address}/replies"), "subject": "A call", "body": LONG}

    def test_stays_where_a_field_is_wrong(self, attorney, address, words, rows):
        answer = attorney.post(f"{address}/replies", data=words | {"subject": ""})
        assert answer.status_code == 422
        assert typed_in(answer.text) == LONG.strip()
        assert rows(Reply) == []

    def test_stays_where_a_colleague_was_faster(self, browser, max_, attorney, address, words, rows):
        browser().sign_in(max_).patch(address.replace("/desk", "/internal"), json={"status": "REACHED_OUT"})
        answer = attorney.post(f"{address}/replies", data=words)
        assert "changed meanwhile, and nothing was sent" in answer.text
        assert typed_in(answer.text) == LONG.strip()
        fields = {one["name"]: one["value"] for one in Page(answer.text).all("input")}
        again = attorney.post(f"{address}/replies", data={**words, "version": fields["version"]})
        assert again.status_code == 303
        assert len(rows(Reply)) == 1

    def test_stays_where_the_lead_went_to_somebody_else(self, browser, max_, bruno, attorney, address, words):
        browser().sign_in(max_).put(
            f"{address.replace('/desk', '/internal')}/assignee", json={"user_id": str(bruno.id)}
        )
        answer = attorney.post(f"{address}/replies", data=words)
        assert "somebody else's" in Page(answer.text).by_id("main").text
        assert typed_in(answer.text) == LONG.strip()

    def test_stays_where_the_session_has_ended(self, app, attorney, amara, address, words, rows):
        attorney.csrf_token = None
        with app.app_context(), transaction():
            old = db.update(SignedInSession).values(last_seen_at=now() - timedelta(days=1))
            db.session.execute(old)
        answer = attorney.post(f"{address}/replies", data=words, headers=HERE)
        assert answer.status_code == 401
        assert "What you typed is on this page, and nowhere else" in answer.text
        assert typed_in(answer.text) == LONG.strip()
        attorney.post("/desk/sign-in", data={"email": amara.email, "password": PASSWORD})
        answer = attorney.post(f"{address}/replies", data=words, headers=HERE)
        assert answer.status_code == 403
        page = Page(answer.text)
        assert typed_in(answer.text) == LONG.strip()
        fields = {one["name"]: one["value"] for one in page.all("input")}
        assert rows(Reply) == []
        done = attorney.post(
            f"{address}/replies", data={**fields, "subject": "A call", "body": LONG}, headers=HERE
        )
        assert done.status_code == 303
        assert len(rows(Reply)) == 1


def test_who_may_not_write_is_told_so(browser, bruno, address):
    page = browser().sign_in(bruno).get(f"{address}/replies").text
    assert "Only its attorney or a manager may write to it" in page
    assert "<textarea" not in page
    assert f'href="{address}/replies' not in browser().sign_in(bruno).get(address).text


def test_an_address_that_refused_mail_is_warned_of(given, attorney, address, lead):
    given(
        NotificationFactory,
        "failed",
        kind="prospect_confirmation",
        lead_id=lead.id,
        recipient=lead.email,
        last_error="550 5.1.1 no such user",
    )
    assert "this address does not work" in attorney.get(f"{address}/replies").text


def test_a_field_without_a_value_is_pointed_at(given, attorney, address):
    template = given(ReplyTemplateFactory, body="Call {phone}")
    page = attorney.get(f"{address}/replies?template={template.id}").text
    assert "Write the words for {phone} yourself" in page


class TestTemplates:
    TEXT = {  # noqa: RUF012 - never changed
        "name": "Fees",
        "language": "en",
        "subject": "Fees, {reference}",
        "body": "Dear {first_name},",
    }
    HOME = "/desk/replies/templates"

    @pytest.fixture
    def manager(self, browser, max_):
        return browser().sign_in(max_)

    def test_are_previewed_before_anything_is_saved(self, manager, rows):
        before = len(rows(ReplyTemplate))
        answer = manager.post(self.HOME, data=self.TEXT | {"preview": "1"})
        assert answer.status_code == 200
        assert "Dear Jane," in answer.text
        assert typed_in(answer.text) == self.TEXT["body"]
        assert len(rows(ReplyTemplate)) == before

    def test_are_made_changed_and_deleted(self, manager, rows):
        saved = manager.post(self.HOME, data=self.TEXT, follow_redirects=True)
        assert "Saved: Fees." in saved.text
        (made,) = [one for one in rows(ReplyTemplate) if one.name == "Fees"]
        page = manager.get(f"{self.HOME}/{made.id}").text
        assert typed_in(page) == self.TEXT["body"]
        manager.post(f"{self.HOME}/{made.id}", data=self.TEXT | {"name": "Our fees"})
        assert (
            "Deleted: Our fees." in manager.post(f"{self.HOME}/{made.id}/delete", follow_redirects=True).text
        )

    @pytest.mark.parametrize("change", [{"name": "First contact"}, {"body": "{frist_name}"}, {"subject": ""}])
    def test_that_are_refused_are_shown_again(self, manager, given, rows, change):
        made = given(ReplyTemplateFactory, name="Fees")
        for path in (self.HOME, f"{self.HOME}/{made.id}"):
            answer = manager.post(path, data=self.TEXT | {"name": "Other"} | change)
            assert answer.status_code == 422
            assert "error" in answer.text
        assert [one.name for one in rows(ReplyTemplate)].count("Fees") == 1

    def test_are_read_by_all(self, attorney):
        page = attorney.get(self.HOME).text
        assert "We cannot take your case" in page
        assert "Edit" not in page
