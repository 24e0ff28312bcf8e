"""The way out is on every page that somebody must sign in for."""

from __future__ import annotations

import pytest

from tests.desk.test_entering import LEAD, PAGES
from tests.factories import LeadFactory, NoteFactory, ReplyTemplateFactory, UserFactory
from tests.support.html import Page

SHOWN = sorted(rule for method, rule in PAGES if method == "GET" and not rule.endswith(("/pulse", ".csv")))


def ways_out(answer) -> list[str]:
    """The buttons that sign out, on a page as it is shown."""
    page = Page(answer.text)
    forms = [one for one in page.all("form") if one["action"] == "/desk/sign-out"]
    assert all("header" in form.around for form in forms)
    return [form.text for form in forms]


@pytest.mark.parametrize("rule", SHOWN)
def test_every_page_shows_the_way_out(browser, given, amara, rule):
    lead = given(LeadFactory, assigned_to=amara)
    path = rule.replace(LEAD, f"/desk/leads/{lead.id}")
    path = path.replace("<uuid:note_id>", str(given(NoteFactory, lead_id=lead.id, author=amara).id))
    path = path.replace("<uuid:template_id>", str(given(ReplyTemplateFactory).id))
    answer = browser().sign_in(given(UserFactory, "admin")).get(path)
    assert answer.status_code == 200
    assert ways_out(answer) == ["Sign out"]


def test_so_does_a_form_that_comes_back(browser, amara):
    answer = browser().sign_in(amara).post("/desk/account/password", data={"current_password": "x"})
    assert answer.status_code == 422
    assert ways_out(answer) == ["Sign out"]


class TestWhereMoreIsWanted:
    """Somebody whose role must prove a second factor first."""

    @pytest.fixture
    def settings(self):
        return {"REQUIRE_MFA": ["attorney"]}

    def test_who_may_not_in_yet_may_out(self, browser, amara):
        client = browser().sign_in(amara)
        page = client.get("/desk/account")
        assert ways_out(page) == ["Sign out"]
        assert client.post("/desk/sign-out").location == "/desk/sign-in"
        assert client.get("/desk/account").status_code == 303
