"""ATTORNEY_VISIBILITY=own: an attorney knows of no lead but their own, on no route."""

from __future__ import annotations

import pytest

from tests.factories import LeadFactory, NotificationFactory, UserFactory
from tests.support.leads import ids_of

BASE = "/internal/leads"


@pytest.fixture
def settings():
    return {"ATTORNEY_VISIBILITY": "own"}


@pytest.fixture
def amara(given):
    return given(UserFactory)


@pytest.fixture
def attorney(browser, amara):
    return browser().sign_in(amara)


@pytest.fixture
def manager(browser, given):
    return browser().sign_in(given(UserFactory, "manager"))


@pytest.fixture
def mine(given, amara):
    return given(LeadFactory, assigned_to=amara, email="jane@example.com")


@pytest.fixture(params=["somebody's", "nobody's"])
def other(request, given):
    owner = given(UserFactory) if request.param == "somebody's" else None
    lead = given(LeadFactory, assigned_to=owner, email="jane@example.com")
    given(NotificationFactory, lead_id=lead.id)
    return lead


def test_every_route_of_another_lead_is_404(attorney, amara, mine, other):
    address = f"{BASE}/{other.id}"
    answers = [
        attorney.get(address),
        attorney.get(f"{address}/resume"),
        attorney.head(f"{address}/resume"),
        attorney.get(f"{address}/history"),
        attorney.get(f"{address}/notifications"),
        attorney.patch(address, json={"status": "REACHED_OUT"}),
        attorney.patch(address, json={"status": "REACHED_OUT"}, headers={"If-Match": '"99"'}),
        attorney.put(f"{address}/assignee", json={"user_id": str(amara.id)}),
    ]
    assert [answer.status_code for answer in answers] == [404] * 8
    assert other.last_name not in "".join(answer.text for answer in answers)


@pytest.mark.every_engine
def test_another_lead_is_in_no_list_count_search_export_or_duplicates(attorney, mine, other):
    for query in ("", "q=jane", f"q={other.last_name}", "status=PENDING", "assigned_to=none", "sort=email",
                  f"assigned_to={other.assignee_id or 'none'}"):  # fmt: skip
        answer = attorney.get(f"{BASE}?{query}&count=true")
        assert set(ids_of(answer)) <= {str(mine.id)}, query
        assert answer.json["total"] == len(answer.json["items"]), query
    exported = attorney.get(f"{BASE}.csv").text
    assert str(mine.id) in exported
    assert str(other.id) not in exported
    assert attorney.get(f"{BASE}/{mine.id}").json["duplicates"] == []


def test_ones_own_lead_is_open_on_every_route(attorney, mine):
    address = f"{BASE}/{mine.id}"
    for more in ("", "/history", "/notifications"):
        assert attorney.get(f"{address}{more}").status_code == 200
    with attorney.get(f"{address}/resume") as file:
        assert file.status_code == 200
    assert ids_of(attorney.get(f"{BASE}?assigned_to=me")) == [str(mine.id)]
    assert attorney.patch(address, json={"status": "REACHED_OUT"}).status_code == 200


@pytest.mark.parametrize("role", ["manager", "admin", "viewer"])
def test_who_looks_after_all_still_sees_all(browser, given, mine, other, role):
    one = browser().sign_in(given(UserFactory, role))
    assert set(ids_of(one.get(BASE))) == {str(mine.id), str(other.id)}
    assert one.get(f"{BASE}/{mine.id}").json["duplicates"] == [str(other.id)]


def test_a_lead_handed_over_changes_sides(attorney, manager, amara, other):
    address = f"{BASE}/{other.id}"
    manager.put(f"{address}/assignee", json={"user_id": str(amara.id)})
    assert attorney.get(address).status_code == 200
    manager.put(f"{address}/assignee", json={"user_id": None})
    assert attorney.get(address).status_code == 404


def test_a_twin_handed_over_changes_the_etag_of_the_lead_that_now_shows_it(
    attorney, manager, amara, mine, other
):
    before = attorney.get(f"{BASE}/{mine.id}")
    manager.put(f"{BASE}/{other.id}/assignee", json={"user_id": str(amara.id)})
    after = attorney.get(f"{BASE}/{mine.id}")
    assert after.json["duplicates"] == [str(other.id)]
    assert after.json["version"] == before.json["version"]
    assert after.headers["ETag"] != before.headers["ETag"]


def test_the_right_to_see_all_is_not_in_a_cursor(attorney, manager, given, amara, mine):
    for _ in range(3):
        given(LeadFactory)
    cursor = manager.get(f"{BASE}?sort=email&limit=1").json["next_cursor"]
    answer = attorney.get(f"{BASE}?sort=email&limit=1&cursor={cursor}")
    assert set(ids_of(answer)) <= {str(mine.id)}
