"""Views of the list that somebody saved, and the filters in use as chips."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qsl

import pytest
import time_machine

from leadintake.auth.models import User
from leadintake.core.clock import now
from leadintake.leads.status import Outcome, Source
from leadintake.leads.views.models import SavedView
from leadintake.leads.views.service import MAX_VIEWS
from tests.desk.test_queue import shown
from tests.factories import LeadFactory, ScreenFactory
from tests.support.html import Page

PATH = "/desk/views"


def save(client, name: str = "Mine", query: str = "assigned_to=me"):
    return client.post(PATH, data={"name": name, "query": query})


def names(client, path: str = "/desk") -> list[str]:
    page = Page(client.get(path).text)
    assert page.mistakes == []
    return [one.text for one in page.all("a") if "bdi" in [inner.tag for inner in inside(page, one)]]


def inside(page: Page, link) -> list:
    at = page.elements.index(link)
    return [one for one in page.elements[at + 1 : at + 2] if one.around[-1:] == ("a",)]


@pytest.fixture
def client(browser, amara):
    return browser().sign_in(amara)


@pytest.mark.every_engine
def test_a_view_is_saved_shown_renamed_and_deleted(client, given, amara, rows):
    given(LeadFactory, first_name="Mine", last_name="X", assigned_to=amara)
    given(LeadFactory, first_name="Free", last_name="X")
    page = Page(client.get("/desk?assigned_to=me&q=x&sort=last_name").text)
    answer = save(client, " My leads ", page.inputs()["query"]["value"])
    assert (answer.status_code, answer.location) == (303, "/desk?assigned_to=me&q=x&sort=last_name")
    assert shown(client.get(answer.location)) == ["Mine X"]
    assert "My leads" in names(client)
    (view,) = rows(SavedView)
    client.post(f"{PATH}/{view.id}", data={"name": "Those of mine"})
    assert "Those of mine" in names(client)
    assert "Those of mine" in client.get(PATH).text
    assert client.post(f"{PATH}/{view.id}/delete").status_code == 303
    assert rows(SavedView) == []


def test_a_view_is_its_owners_alone(client, browser, bruno, rows):
    save(client)
    (view,) = rows(SavedView)
    his = browser().sign_in(bruno)
    assert "Mine" not in names(his)
    for path in (f"{PATH}/{view.id}", f"{PATH}/{view.id}/delete"):
        his.post(path, data={"name": "His"})
    assert [one.name for one in rows(SavedView)] == ["Mine"]


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("Mine", "assigned_to=me"),  # is there already
        ("", "assigned_to=me"),
        ("\u202e", "assigned_to=me"),
        ("x" * 61, "assigned_to=me"),
        ("All", ""),
        ("All", "sort="),
        ("Wrong", "colour=red"),
        ("Wrong", "status=LOST"),
        ("Wrong", "&".join(f"{number}=1" for number in range(99))),
        ("Wrong", "q=" + "x" * 201),
        ("Wrong", "https://evil.example/"),
    ],
)
def test_what_is_no_view_is_not_saved(client, name, query, rows):
    save(client)
    answer = save(client, name, query)
    assert (answer.status_code, answer.location) == (303, PATH)
    assert "problem" in client.get(PATH).text
    assert len(rows(SavedView)) == 1


def test_there_are_twenty_at_most_and_no_page_of_a_list_is_saved(client, rows):
    for number in range(MAX_VIEWS + 1):
        save(client, f"View {number:02}", "status=PENDING&cursor=x")
    assert len(rows(SavedView)) == MAX_VIEWS
    assert {one.query for one in rows(SavedView)} == {"status=PENDING"}


def test_a_view_shows_nothing_that_its_owner_may_not_see(client, given, amara):
    given(ScreenFactory, lead_id=given(LeadFactory, last_name="Secret").id, user=amara)
    assert "Secret" not in client.get(save(client, "All", "q=secret").location).text


def test_each_filter_in_use_is_a_chip_that_takes_it_away(client, given, amara, bruno):
    path = f"/desk?q=x&status=PENDING&assigned_to={bruno.id}&created_from=2026-03-02&age=older&sort=email"
    page = Page(client.get(path).text)
    chips = [one for one in page.all("a") if one.around[-2:] == ("ul", "li") and "Remove" in one.text]
    assert [one.text.removeprefix("Remove: ")[:-2] for one in chips] == [
        "Search: x",
        "State: Waiting",
        "Assigned to: A colleague",
        "Age: Before this week",
        "From: 2 Mar 2026",
    ]
    for chip, name in zip(chips, ("q", "status", "assigned_to", "age", "created_from"), strict=True):
        left = dict(parse_qsl(chip["href"].partition("?")[2]))
        assert left.keys() == {"q", "status", "assigned_to", "created_from", "age", "sort"} - {name}
    assert page.chosen("age") == "older"


def test_further_filters_are_chips_and_stand_in_the_form(client, given, amara):
    given(LeadFactory, first_name="Zoe", last_name="X", practice_area="family", language="es",
          outcome=Outcome.HIRED, source=Source.STAFF)  # fmt: skip
    given(LeadFactory, first_name="Other", last_name="X", practice_area="estate", language="en")
    for query, chip in {
        "practice_area=family": "Practice area: Family",
        "language=es": "Language: es",
        "outcome=hired": "Outcome: Hired",
        "source=staff": "Source: Entered by staff",
    }.items():
        answer = client.get(f"/desk?{query}")
        page = Page(answer.text)
        assert page.mistakes == []
        assert shown(answer) == ["Zoe X"]
        assert chip in answer.text.replace("<bdi>", "")
        name, _, value = query.partition("=")
        assert page.chosen(name) == value
    page = Page(client.get("/desk?practice_area=gone-by&outcome=none").text)
    assert (page.chosen("practice_area"), page.chosen("outcome")) == ("gone-by", "none")
    assert "open" in next(one for one in page.all("details") if one["class"] == "further").attributes


def test_ages_are_of_the_readers_own_days(client, given, rows, app):
    with app.app_context():
        moment = now().replace(year=2026, month=3, day=4, hour=12)  # a Wednesday
    for name, days in (("Today", 0), ("Monday", 2), ("Sunday", 3)):
        given(LeadFactory, first_name=name, last_name="X", created_at=moment - timedelta(days=days))
    with time_machine.travel(moment):
        found = {age: shown(client.get(f"/desk?age={age}")) for age in ("today", "week", "older")}
    assert found == {"today": ["Today X"], "week": ["Today X", "Monday X"], "older": ["Sunday X"]}
    assert len(rows(User)) == 1
