"""PUT /internal/leads/{id}/tags, GET /internal/tags, and the filters of the list that came with them."""

from __future__ import annotations

import csv
import io

import pytest

from leadintake.audit.models import AuditEntry
from leadintake.leads.models import Lead, LeadEvent
from leadintake.leads.progress import LeadTag
from tests.factories import LeadFactory, ScreenFactory, UserFactory


@pytest.fixture
def amara(given):
    return given(UserFactory, name="Amara")


@pytest.fixture
def attorney(browser, amara):
    return browser().sign_in(amara)


@pytest.fixture
def lead(given, amara):
    return given(LeadFactory, assigned_to=amara)


def tag(client, lead, *tags: object, **headers: str):
    """Set the tags."""
    return client.put(f"/internal/leads/{lead.id}/tags", json={"tags": tags}, headers=headers)


@pytest.mark.every_engine
def test_they_are_sorted_unique_in_any_case_and_on_record(attorney, rows, lead):
    answer = tag(attorney, lead, "Zu\u0308rich", "  asylum ", "ASYLUM", "vip", **{"If-Match": '"1"'})
    assert answer.status_code == 200
    assert (answer.json["tags"], answer.json["version"]) == (["asylum", "vip", "Z\u00fcrich"], 2)
    assert attorney.get(f"/internal/leads/{lead.id}").json == answer.json
    assert attorney.get("/internal/leads").json["items"][0]["tags"] == answer.json["tags"]
    assert {row.folded for row in rows(LeadTag)} == {"asylum", "vip", "z\u00fcrich"}
    again = tag(attorney, lead, "vip", "asylum", "Z\u00fcrich")
    assert (again.status_code, again.json["version"]) == (200, 2)
    assert tag(attorney, lead, "VIP").json["tags"] == ["VIP"]
    assert tag(attorney, lead).json["tags"] == []
    assert [(event.action, event.detail) for event in rows(LeadEvent)] == [
        ("tagged", "asylum, vip, Z\u00fcrich"), ("tagged", "VIP"), ("tagged", "no tags"),
    ]  # fmt: skip
    assert rows(LeadTag) == []
    details = [entry.detail for entry in rows(AuditEntry) if entry.action == "lead.tagged"]
    assert details == ['{"tags":3}', '{"tags":1}', '{"tags":0}']


@pytest.mark.parametrize(
    "tags",
    [
        [""],
        [" \u200b"],
        ["x" * 41],
        ["a,b"],
        ["a\nb"],
        ["a\u202eb"],
        ["a\x00b"],
        [5],
        [*map(str, range(11))],
        "vip",
    ],
)
def test_wrong_ones_are_422(attorney, rows, lead, tags):
    answer = attorney.put(f"/internal/leads/{lead.id}/tags", json={"tags": tags})
    assert (answer.status_code, [*answer.json["errors"]]) == (422, ["tags"])
    assert rows(Lead)[0].version == 1


def test_ten_of_forty_characters_fit(attorney, lead):
    longest = [letter + "\U0001f600" * 39 for letter in "abcdefghij"]
    assert tag(attorney, lead, *longest).json["tags"] == longest


@pytest.mark.parametrize("who", ["other", "viewer"])
def test_nobody_else_may(browser, given, rows, lead, who):
    user = given(UserFactory) if who == "other" else given(UserFactory, who)
    assert tag(browser().sign_in(user), lead, "vip").status_code == 403
    assert rows(LeadTag) == []


@pytest.mark.every_engine
def test_those_of_visible_leads_are_suggested_most_used_first(app, attorney, browser, given, amara):
    for tags in (["asylum", "vip"], ["Vip"], ["zeta"]):
        given(LeadFactory, assigned_to=amara, tags=tags)
    hidden = given(LeadFactory, tags=["Secretissima", "zeta", "zeta 2"])
    given(ScreenFactory, lead_id=hidden.id, user_id=amara.id)
    given(LeadFactory, "deleted", tags=["gone"])
    given(LeadFactory, "quarantined", tags=["spam"])
    assert attorney.get("/internal/tags").json == {"items": ["Vip", "asylum", "zeta"]}
    manager = browser().sign_in(given(UserFactory, "manager"))
    assert manager.get("/internal/tags").json["items"][:2] == ["Vip", "zeta"]
    app.config["ATTORNEY_VISIBILITY"] = "own"
    other = browser().sign_in(given(UserFactory))
    assert other.get("/internal/tags").json == {"items": []}


@pytest.mark.every_engine
@pytest.mark.parametrize("sort", ["-created_at", "last_name"])
def test_the_list_filters_by_tag_practice_area_and_language(attorney, given, monkeypatch, sort):
    leads = [
        given(LeadFactory, tags=["Vip"], practice_area="family", language="es"),
        given(LeadFactory, tags=["asylum", "vip"], practice_area="immigration", language="es"),
        given(LeadFactory, practice_area="family"),
    ]

    def found(query: str) -> set[int]:
        answer = attorney.get(f"/internal/leads?{query}&count=true&sort={sort}").json
        assert answer["total"] == len(answer["items"])
        ids = [str(one.id) for one in leads]
        return {ids.index(item["id"]) for item in answer["items"]}

    for _ in range(2):
        assert found("tag=VIP") == {0, 1}
        assert found("tag=asylum") == {1}
        assert found("tag=vi") == found("tag=nothing") == set()
        assert found("tag=vip&practice_area=family") == {0}
        monkeypatch.setattr("leadintake.leads.matches.MAX_CANDIDATES", 0)  # as if all were common
    assert found("practice_area=family") == {0, 2}
    assert found("language=es&practice_area=immigration") == {1}
    for member in ("tag", "practice_area", "language"):
        answer = attorney.get(f"/internal/leads?{member}=a%00b")
        assert (answer.status_code, [*answer.json["errors"]]) == (422, [member])


def test_a_page_of_a_tag_follows_another(attorney, given):
    ids = {str(given(LeadFactory, tags=["vip"]).id) for _ in range(3)}
    first = attorney.get("/internal/leads?tag=vip&limit=2").json
    second = attorney.get(f"/internal/leads?tag=vip&limit=2&cursor={first['next_cursor']}").json
    assert {item["id"] for page in (first, second) for item in page["items"]} == ids
    assert attorney.get(f"/internal/leads?tag=other&cursor={first['next_cursor']}").status_code == 422


def test_the_file_has_them_in_its_last_columns(attorney, given):
    given(LeadFactory, tags=["asylum", "=vip"], outcome="hired")
    given(LeadFactory)
    rows = [*csv.reader(io.StringIO(attorney.get("/internal/leads.csv").text))]
    assert rows[0][-4:] == ["outcome", "follow_up_at", "tags", "source"]
    assert [row[-4:-1] for row in rows[1:]] == [["", "", ""], ["hired", "", "asylum, '=vip"]]


def test_blanks_in_a_row_are_one(attorney, lead):
    assert tag(attorney, lead, "no  show", "no\u00a0 show").json["tags"] == ["no show"]
    listed = attorney.get("/internal/leads", query_string={"tag": "No   Show"}).json["items"]
    assert [item["id"] for item in listed] == [str(lead.id)]
