"""Who may open which page of the desk, and do what on it. A new page without a row fails."""

from __future__ import annotations

import uuid

import pytest

from leadintake.auth.permissions import GRANTS, Permission, Role
from leadintake.core.http.access import SIGNED_IN
from leadintake.leads.models import LeadEvent
from tests.factories import (
    LeadFactory,
    NoteFactory,
    NotificationFactory,
    ReplyTemplateFactory,
    ScreenFactory,
    UserFactory,
)
from tests.support.html import Page

LEAD, PERSON = "/desk/leads/<lead:lead_id>", "/desk/people/<uuid:user_id>"
TEMPLATE = "/desk/replies/templates/<uuid:template_id>"
ROLES = ("viewer", "attorney", "manager", "admin")
PAGES = {
    ("GET", "/desk"): "viewer",
    ("GET", "/desk/leads.csv"): "viewer",
    ("GET", "/desk/pulse"): "viewer",
    ("POST", "/desk/leads/bulk"): "attorney",
    ("POST", "/desk/leads/bulk/done"): "attorney",
    ("POST", "/desk/leads/bulk/restored"): "manager",
    ("GET", "/desk/leads/new"): "attorney",
    ("POST", "/desk/leads/new"): "attorney",
    ("GET", LEAD): "viewer",
    ("GET", f"{LEAD}/pulse"): "viewer",
    ("POST", f"{LEAD}/reached-out"): "attorney",
    ("POST", f"{LEAD}/reopen"): "attorney",
    ("POST", f"{LEAD}/take"): "attorney",
    ("POST", f"{LEAD}/decline"): "attorney",
    ("POST", f"{LEAD}/assign"): "manager",
    ("POST", f"{LEAD}/delete"): "manager",
    ("POST", f"{LEAD}/notes"): "attorney",
    ("GET", f"{LEAD}/notes/<uuid:note_id>"): "viewer",
    ("POST", f"{LEAD}/notes/<uuid:note_id>"): "attorney",
    ("POST", f"{LEAD}/notes/<uuid:note_id>/delete"): "attorney",
    ("POST", f"{LEAD}/contacts"): "attorney",
    ("POST", f"{LEAD}/outcome"): "attorney",
    ("POST", f"{LEAD}/follow-up"): "attorney",
    ("POST", f"{LEAD}/tags"): "attorney",
    ("GET", f"{LEAD}/resume/text"): "viewer",
    ("GET", f"{LEAD}/explanation"): "manager",
    ("GET", f"{LEAD}/proof"): "attorney",
    ("GET", f"{LEAD}/screens"): "manager",
    ("POST", f"{LEAD}/screens"): "manager",
    ("POST", f"{LEAD}/screens/<uuid:user_id>/lift"): "manager",
    ("GET", f"{LEAD}/replies"): "attorney",
    ("POST", f"{LEAD}/replies"): "attorney",
    ("POST", f"{LEAD}/replies/<uuid:reply_id>/undo"): "attorney",
    ("GET", "/desk/replies/templates"): "viewer",
    ("GET", "/desk/replies/templates/new"): "manager",
    ("GET", TEMPLATE): "manager",
    ("POST", "/desk/replies/templates"): "manager",
    ("POST", TEMPLATE): "manager",
    ("POST", f"{TEMPLATE}/delete"): "manager",
    ("GET", "/desk/deleted"): "manager",
    ("POST", "/desk/deleted/<lead:lead_id>/restore"): "manager",
    ("GET", "/desk/absences"): "attorney",
    ("POST", "/desk/absences"): "attorney",
    ("POST", "/desk/absences/<uuid:absence_id>/end"): "attorney",
    ("POST", "/desk/absences/<uuid:absence_id>/undo"): "attorney",
    ("GET", "/desk/quarantine"): "manager",
    ("POST", "/desk/quarantine/<lead:lead_id>/release"): "manager",
    ("POST", "/desk/quarantine/<lead:lead_id>/discard"): "manager",
    ("GET", "/desk/messages"): "manager",
    ("POST", "/desk/messages/<uuid:notification_id>/retry"): "manager",
    ("POST", "/desk/messages/retry-failed"): "manager",
    ("GET", "/desk/report"): "manager",
    ("GET", "/desk/people"): "manager",
    ("POST", "/desk/people"): "admin",
    ("POST", PERSON): "admin",
    ("POST", f"{PERSON}/invitation"): "admin",
    ("GET", "/desk/views"): "viewer",
    ("POST", "/desk/views"): "viewer",
    ("POST", "/desk/views/<uuid:view_id>"): "viewer",
    ("POST", "/desk/views/<uuid:view_id>/delete"): "viewer",
    ("GET", "/desk/account"): "viewer",
    ("POST", "/desk/account/password"): "viewer",
    ("POST", "/desk/account/time-zone"): "viewer",
    ("POST", "/desk/account/preferences"): "viewer",
    ("POST", "/desk/account/app"): "viewer",
    ("POST", "/desk/account/app/confirm"): "viewer",
    ("POST", "/desk/account/app/remove"): "viewer",
    ("POST", "/desk/account/sign-out-everywhere"): "viewer",
    ("POST", "/desk/sign-out"): "viewer",
    ("GET", "/desk/finish"): "viewer",
}
OF_ITS_ATTORNEY = {f"{LEAD}/tags", f"{LEAD}/proof"}
"""Of the attorneys only the lead's own one may open these."""
DOORS = {
    ("GET", "/desk/sign-in"),
    ("POST", "/desk/sign-in"),
    ("GET", "/desk/forgotten"),
    ("POST", "/desk/forgotten"),
}
ACTS = [pair for pair in PAGES if pair[0] == "POST"]


def small_world(given, owner):
    """Where a rule leads: a lead of the owner's, themselves, and a message about the lead."""
    lead = given(LeadFactory, assigned_to=owner)
    message = given(NotificationFactory, "failed", lead_id=lead.id)
    note = given(NoteFactory, lead_id=lead.id, author=owner)
    template = given(ReplyTemplateFactory)

    def of(rule: str) -> str:
        path = rule.replace("<lead:lead_id>", str(lead.id)).replace("<uuid:user_id>", str(owner.id))
        path = path.replace("<uuid:notification_id>", str(message.id)).replace("<uuid:note_id>", str(note.id))
        path = path.replace("<uuid:template_id>", str(template.id)).replace("<uuid:view_id>", str(lead.id))
        for nothing in ("<uuid:reply_id>", "<uuid:absence_id>"):
            path = path.replace(nothing, str(uuid.uuid4()))
        return path

    of.lead = lead
    return of


@pytest.fixture
def address(given, amara):
    return small_world(given, amara)


def rules(app) -> dict[tuple[str, str], str | None]:
    return {
        (method, rule.rule): app.view_functions[rule.endpoint].permission
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/desk")
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }


def test_every_page_has_a_row_and_the_permissions_say_the_same(app):
    found = rules(app)
    assert set(found) == set(PAGES) | DOORS
    for pair, lowest in PAGES.items():
        granted = [
            role
            for role in ROLES
            if found[pair] == SIGNED_IN or Permission(found[pair]) in GRANTS[Role(role)]
        ]
        assert granted == [*ROLES[ROLES.index(lowest) :]], pair
    assert {found[pair] for pair in DOORS} == {None}


def is_answered_rightly(client, answer, method: str, *, may: bool) -> bool:
    """Whether who may is let in, and all others are refused, and told so on the page behind it."""
    if answer.status_code != 303 and Page(answer.text).mistakes:
        return False
    if method == "GET":
        return answer.status_code == (200 if may else 403)
    if may:
        return answer.status_code in (200, 303, 404, 422)
    if answer.status_code == 303:
        return "role does not include this" in client.get(answer.location).text
    return answer.status_code == 403


@pytest.mark.parametrize("role", ROLES)
def test_a_page_opens_for_whom_it_is_for(browser, given, role):
    offenders = []
    for (method, rule), lowest in PAGES.items():
        reader = given(UserFactory, *([] if role == "attorney" else [role]))
        address = small_world(given, reader if rule in OF_ITS_ATTORNEY else given(UserFactory))
        client = browser().sign_in(reader)
        answer = client.open(address(rule), method=method, headers={"Accept": "text/html"})
        may = role in ROLES[ROLES.index(lowest) :]
        if not is_answered_rightly(client, answer, method, may=may):
            offenders.append((method, rule, answer.status_code, answer.text))
    assert offenders == []


def test_a_stranger_is_shown_the_way_in(browser, address):
    for method, rule in PAGES:
        answer = browser().open(address(rule), method=method)
        if method == "GET":
            assert answer.status_code == 303, rule
            assert answer.location.startswith("/desk/sign-in?next=/desk"), rule
        else:
            assert answer.status_code == 401, rule


def test_no_act_works_without_the_token_or_from_another_site(browser, ada, address, rows):
    client = browser().sign_in(ada)
    for _, rule in ACTS:
        path = address(rule)
        assert client.post(path, headers={"X-CSRFToken": ""}).status_code in (303, 403), rule
        assert client.post(path, headers={"Sec-Fetch-Site": "cross-site"}).status_code in (303, 403), rule
        assert client.get("/internal/session").status_code == 200, f"nobody was signed out by it: {rule}"
        assert rows(LeadEvent) == [], rule


@pytest.mark.parametrize("rule", [rule for method, rule in PAGES if LEAD in rule and method == "GET"])
def test_who_is_barred_from_a_lead_finds_no_page_of_it(browser, given, address, rule):
    barred = given(UserFactory, "admin")
    given(ScreenFactory, lead_id=address.lead.id, user=barred)
    assert browser().sign_in(barred).get(address(rule)).status_code == 404


def test_nobody_frames_or_keeps_the_desk(browser, amara):
    headers = browser().sign_in(amara).get("/desk").headers
    assert headers["Cache-Control"] == "no-store"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]


class TestWhereMoreIsWanted:
    """A role that must prove a second factor."""

    @pytest.fixture
    def settings(self):
        return {"REQUIRE_MFA": ["manager"]}

    def test_every_page_leads_to_where_it_is_set_up(self, browser, max_, address):
        client = browser().sign_in(max_)
        for path in ("/desk", "/desk/report", address(LEAD)):
            answer = client.get(path)
            assert (answer.status_code, answer.location) == (303, "/desk/account")
        assert "needs a second factor" in client.get("/desk/account").text
