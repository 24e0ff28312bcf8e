"""The list says what to do: Due, Waiting, Snoozed, with colleagues, Done, each with its number."""

from __future__ import annotations

import itertools
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
import time_machine

from leadintake.auth.models import User
from leadintake.core.clock import now
from leadintake.core.db.database import db
from leadintake.leads.groups import Group, count_groups, group_of, list_group, list_groups
from leadintake.leads.models import Lead
from leadintake.leads.status import LeadStatus, Outcome
from tests.desk.test_place import id_in, links
from tests.desk.test_queue import more, shown
from tests.factories import LeadFactory, ScreenFactory, UserFactory
from tests.support.html import Page

LONG_AGO = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def leads(given, amara, bruno):
    """A lead of each kind: whose, how far, how it ended, and when its next step is."""
    moment = now()
    kinds = itertools.product(
        (None, amara, bruno),
        LeadStatus,
        (None, Outcome.HIRED),
        (None, moment - timedelta(1), moment + timedelta(1)),
    )
    return [
        given(LeadFactory, assigned_to=owner, status=status, outcome=outcome, follow_up_at=step,
              created_at=moment - timedelta(hours=number))
        for number, (owner, status, outcome, step) in enumerate(kinds)
    ]  # fmt: skip


def numbers(client, path: str = "/desk") -> dict[str, int]:
    """The groups of the page and their numbers."""
    page = Page(client.get(path).text)
    assert page.mistakes == []
    texts = [one.text for one in page.all("a") if "group=" in one["href"] and "nav" in one.around]
    return {text.rpartition(" ")[0]: int(text.rpartition(" ")[2]) for text in texts}


def title(client, path: str = "/desk") -> str:
    return re.search(r"<title>(.*) \u2013", client.get(path).text)[1]


@pytest.mark.every_engine
@pytest.mark.parametrize("visibility", ["all", "own"])
@pytest.mark.parametrize("role", ["attorney", "manager"])
def test_every_visible_lead_is_in_one_group_and_counted_there(app, given, amara, leads, visibility, role):
    app.config["ATTORNEY_VISIBILITY"] = visibility
    given(LeadFactory, "quarantined")
    given(LeadFactory, "deleted", assigned_to=amara)
    for lead in leads[::5]:
        given(ScreenFactory, lead_id=lead.id, user=amara)
    with app.app_context():
        reader = db.session.get(User, amara.id)
        reader.role = role
        groups = {group: list_group(group, reader).page(limit=100, cursor=None).items for group in Group}
        hidden = {lead.id for lead in leads[::5]}
        own_only = (visibility, role) == ("own", "attorney")
        visible = {
            lead.id
            for lead in leads
            if lead.id not in hidden and (not own_only or lead.assignee_id == amara.id)
        }
        assert sorted(lead.id for items in groups.values() for lead in items) == sorted(visible)
        for group, items in groups.items():
            assert {group_of(lead, reader) for lead in items} <= {group}
        assert count_groups(reader) == {group: len(groups[group]) for group in list_groups(reader)}
        assert bool(groups[Group.WAITING]) is not own_only
        db.session.rollback()


def test_what_is_in_a_group_and_in_what_order(browser, given, amara, bruno):
    moment = now()
    for name, hours, facts in [
        ("Pending", 9, {"assigned_to": amara}),
        ("Step", 8, {"assigned_to": amara, "status": "REACHED_OUT", "follow_up_at": moment - timedelta(1)}),
        ("Later", 7, {"assigned_to": amara, "follow_up_at": moment + timedelta(2)}),
        ("Soon", 6, {"assigned_to": amara, "follow_up_at": moment + timedelta(1)}),
        ("Free", 5, {}),
        ("Freer", 4, {}),
        ("Theirs", 3, {"assigned_to": bruno}),
        ("Newer", 2, {"assigned_to": bruno}),
        ("Reached", 1, {"assigned_to": bruno, "status": "REACHED_OUT"}),
        ("Ended", 0, {"assigned_to": amara, "outcome": "conflict"}),
    ]:
        facts = {key: LeadStatus(value) if key == "status" else value for key, value in facts.items()}
        facts |= {"outcome": Outcome(facts["outcome"])} if "outcome" in facts else {}
        given(
            LeadFactory, first_name=name, last_name="X", created_at=moment - timedelta(hours=hours), **facts
        )
    client = browser().sign_in(amara)
    names = ["Pending", "Step", "Free", "Freer", "Soon", "Later", "Newer", "Theirs", "Ended", "Reached"]
    assert shown(client.get("/desk")) == [f"{name} X" for name in names]
    expected = {"Due": 2, "Waiting": 2, "Snoozed": 2, "With colleagues": 2, "Done": 2}
    assert numbers(client) == numbers(client, "/desk?group=done") == numbers(client, "/desk?q=x") == expected
    assert title(client) == title(client, "/desk?q=x") == "(2) Leads"
    assert shown(client.get("/desk?group=snoozed")) == ["Soon X", "Later X"]


def test_without_anything_due_the_title_has_no_number(browser, given, amara):
    given(LeadFactory)
    assert title(browser().sign_in(amara)) == "Leads"


@pytest.mark.every_engine
@pytest.mark.parametrize("group", ["due", "waiting", "colleagues", "done", "snoozed"])
def test_a_group_is_paged_without_gaps_and_a_lead_of_it_knows_its_neighbours(
    browser, given, amara, bruno, group
):
    facts = {
        "due": {"assigned_to": amara},
        "waiting": {},
        "colleagues": {"assigned_to": bruno},
        "done": {"outcome": Outcome.HIRED, "outcome_at": LONG_AGO},
        "snoozed": {"assigned_to": amara, "follow_up_at": now() + timedelta(days=9)},
    }[group]
    made = []
    for number in range(30):
        step = {"follow_up_at": facts["follow_up_at"] + timedelta(number)} if group == "snoozed" else {}
        at = {"created_at": LONG_AGO + timedelta(number)}
        made.append(given(LeadFactory, first_name="X", last_name=f"{number:02}", **{**facts, **at, **step}))
    if group in ("colleagues", "done"):
        made.reverse()
    client = browser().sign_in(amara)
    first = client.get(f"/desk?group={group}")
    second = client.get(more(first))
    assert shown(first) + shown(second) == [f"X {lead.last_name}" for lead in made]
    (link,) = [one for one in Page(second.text).all("a") if one.text == f"X {made[26].last_name}"]
    place = links(client.get(link["href"]))
    assert [id_in(place[name]) for name in ("prev", "next")] == [str(made[25].id), str(made[27].id)]
    assert place["back"].partition("#")[0] == more(first)
    (link,) = [one for one in Page(client.get("/desk").text).all("a") if one.text == f"X {made[4].last_name}"]
    place = links(client.get(link["href"]))
    assert place["back"].startswith("/desk#")
    for _ in range(22):
        place = links(client.get(place["next"]))
    assert place["back"].startswith(f"/desk?group={group}&cursor=")
    assert f"X {made[26].last_name}" in shown(client.get(place["back"]))


def test_a_lead_whose_next_step_was_taken_back_finds_its_way(browser, given, amara):
    lead = given(LeadFactory, assigned_to=amara)
    client = browser().sign_in(amara)
    for place in ("overview=snoozed", "group=snoozed", "overview=x", "own=1"):
        assert links(client.get(f"/desk/leads/{lead.id}?list={quote(place)}"))["back"].startswith("/desk")


@pytest.mark.every_engine
def test_it_is_felt_when_a_next_step_comes_though_no_row_changes(browser, given, amara):
    given(LeadFactory, assigned_to=amara, follow_up_at=now() + timedelta(minutes=5))
    client = browser().sign_in(amara)
    felt = client.get("/desk/pulse").headers["ETag"]
    with time_machine.travel(now() + timedelta(minutes=4)):
        assert client.get("/desk/pulse", headers={"If-None-Match": felt}).status_code == 304
    with time_machine.travel(now() + timedelta(minutes=6)):
        assert client.get("/desk/pulse", headers={"If-None-Match": felt}).status_code == 200
        assert title(client) == "(1) Leads"


def test_leads_of_very_many_colleagues_are_one_list(app, given, amara):
    for _ in range(32):
        given(LeadFactory, assigned_to=given(UserFactory))
    with app.app_context():
        reader = db.session.get(User, amara.id)
        assert len(list_group(Group.COLLEAGUES, reader).page(limit=50, cursor=None).items) == 32
        assert db.session.query(Lead).count() == count_groups(reader)[Group.COLLEAGUES]
        db.session.rollback()
