"""A lead knows the list it was opened from: the way back, and its neighbours for this reader."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from tests.factories import LeadFactory, ScreenFactory
from tests.support.html import Page

LONG_AGO = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def row_of_leads(given, bruno):
    """Thirty leads of a colleague, oldest first."""
    return [
        given(LeadFactory, last_name=f"{day:02}", assigned_to=bruno, created_at=LONG_AGO + timedelta(day))
        for day in range(30)
    ]


def links(answer) -> dict[str, str]:
    """The addresses a page of a lead leads to: back, prev, next."""
    assert answer.status_code == 200, answer.text
    page = Page(answer.text)
    assert page.mistakes == []
    known = {"q": "back", "k": "prev", "j": "next"}
    return {known[one["data-key"]]: one["href"] for one in page.all("a") if one["data-key"] in known}


def id_in(address: str) -> str:
    return address.partition("?")[0].rpartition("/")[2]


def open_from(client, path: str, lead):
    """Open a list, follow its link to the lead."""
    page = Page(client.get(path).text)
    (link,) = [one for one in page.all("a") if one["class"] == "name" and lead.reference in one["href"]]
    return links(client.get(link["href"]))


def mark(lead) -> str:
    return f"#lead-{lead.id.hex[-12:]}"


def next_page(client, path: str) -> str:
    return next(one["href"] for one in Page(client.get(path).text).all("a") if one["rel"] == "next")


@pytest.mark.every_engine
@pytest.mark.parametrize("path", ["/desk?sort=created_at", "/desk?sort=created_at&q=x&status=PENDING"])
def test_a_lead_leads_back_to_its_page_of_the_list_and_to_its_neighbours(browser, given, bruno, amara, path):
    wanted = [
        given(LeadFactory, first_name="X", assigned_to=bruno, created_at=LONG_AGO + timedelta(day))
        for day in range(30)
    ]
    client = browser().sign_in(amara)
    second = next_page(client, path)
    found = open_from(client, second, wanted[27])
    address, _, anchor = found["back"].partition("#")
    assert parse_qs(urlsplit(address).query) == parse_qs(urlsplit(second).query)
    assert Page(client.get(address).text).by_id(anchor).text.startswith("X")
    assert f"#{anchor}" == mark(wanted[27])
    assert [id_in(found[name]) for name in ("prev", "next")] == [str(wanted[26].id), str(wanted[28].id)]
    ahead = links(client.get(found["next"]))
    assert [id_in(ahead[name]) for name in ("prev", "next")] == [str(wanted[27].id), str(wanted[29].id)]
    assert "next" not in links(client.get(ahead["next"]))
    first = open_from(client, path, wanted[0])
    assert "prev" not in first


def test_who_walked_off_the_page_comes_back_to_where_the_lead_is(browser, amara, row_of_leads):
    client = browser().sign_in(amara)
    at = open_from(client, "/desk?sort=created_at", row_of_leads[24])
    ahead = links(client.get(at["next"]))
    back = client.get(ahead["back"])
    assert ahead["back"].endswith(mark(row_of_leads[25]))
    names = [one.text for one in Page(back.text).all("a") if one["class"] == "name"]
    assert names[0].endswith("25")
    assert links(client.get(ahead["prev"]))["back"] == f"/desk?sort=created_at{mark(row_of_leads[24])}"


def test_own_leads_are_neighbours_of_each_other_also_when_one_is_done(browser, given, amara, row_of_leads):
    old, young = (
        given(LeadFactory, assigned_to=amara, created_at=LONG_AGO + timedelta(day)) for day in (0, 9)
    )
    client = browser().sign_in(amara)
    found = open_from(client, "/desk", old)
    assert (id_in(found["next"]), found["back"]) == (str(young.id), f"/desk{mark(old)}")
    assert "prev" not in found
    address = f"/desk/leads/{old.id}"
    assert links(client.get(address)) == found, "a link from a mail"
    forms = [one["action"] for one in Page(client.get(address).text).all("form")]
    (act,) = [one for one in forms if one.startswith(f"{address}/reached-out")]
    answer = client.post(act, data={"version": old.version})
    found = links(client.get(answer.location))
    assert (id_in(found["next"]), found["back"]) == (str(young.id), f"/desk{mark(young)}")


def test_a_declined_lead_leads_back_to_the_same_list(browser, given, amara, bruno):
    lead = given(LeadFactory, assigned_to=amara)
    wanted = urlencode({"list": "status=PENDING&sort=email"})
    client = browser().sign_in(amara)
    answer = client.post(f"/desk/leads/{lead.id}/decline?{wanted}", data={"version": 1, "reason": "Busy."})
    assert answer.location == "/desk?status=PENDING&sort=email"
    answer = client.post(f"/desk/leads/{lead.id}/decline?{wanted}", data={"version": 1, "reason": "Busy."})
    assert answer.status_code == 412
    assert f'href="/desk/leads/{lead.id}?{wanted}"' in answer.text


def test_no_neighbour_is_a_lead_that_the_reader_may_not_see(browser, given, amara, row_of_leads):
    given(ScreenFactory, lead_id=row_of_leads[11].id, user=amara)
    given(LeadFactory, "quarantined", created_at=LONG_AGO + timedelta(10, 1))
    given(LeadFactory, "deleted", created_at=LONG_AGO + timedelta(10, 2))
    found = open_from(browser().sign_in(amara), "/desk?group=colleagues", row_of_leads[10])
    assert id_in(found["prev"]) == str(row_of_leads[12].id)


@pytest.mark.parametrize(
    "text",
    ["https://evil.example/", "//evil.example", "sort=evil", "x=1", "cursor=evil", "created_from=x",
     "q=%00", "&" * 99, "q=" + "x" * 5000, "assigned_to=%ff", "status=\udcff"],
)  # fmt: skip
def test_a_list_that_is_none_stands_for_the_whole_list(browser, amara, row_of_leads, text):
    address = f"/desk/leads/{row_of_leads[29].id}?{urlencode({'list': text}, errors='replace')}"
    client = browser().sign_in(amara)
    found = links(client.get(address))
    assert found["back"].startswith("/desk")
    assert id_in(found["next"]) == str(row_of_leads[28].id)
    assert client.get(found["back"]).status_code == 200


class TestOwnLeadsOnly:
    """Where attorneys see their own leads alone."""

    @pytest.fixture
    def settings(self):
        return {"ATTORNEY_VISIBILITY": "own"}

    def test_neighbours_are_own_leads(self, browser, given, amara, row_of_leads):
        lead = given(LeadFactory, "reached_out", assigned_to=amara, created_at=LONG_AGO)
        assert set(open_from(browser().sign_in(amara), "/desk", lead)) == {"back"}
