"""The queue: mine first, the others searched, sorted and paged."""

from __future__ import annotations

import codecs
import csv
import io
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine

from leadintake.audit.models import AuditEntry
from leadintake.auth.models import SignedInSession
from tests.factories import LeadFactory, ScreenFactory, UserFactory
from tests.support.html import Page

LONG_AGO = datetime(2026, 3, 1, 12, tzinfo=UTC)


def shown(answer) -> list[str]:
    """The names of the leads on the page, in their order."""
    assert answer.status_code == 200, answer.text
    page = Page(answer.text)
    assert page.mistakes == []
    return [link.text for link in page.all("a") if link["class"] == "name"]


def headings(answer) -> list[str]:
    return [one.text.strip() for one in Page(answer.text).all("h2")][:-1]


def more(answer) -> str:
    return next(link["href"] for link in Page(answer.text).all("a") if link["rel"] == "next")


@pytest.mark.every_engine
def test_my_open_leads_come_first_the_one_that_waits_longest_on_top(browser, given, amara, bruno):
    for name, owner, traits, hours in [
        ("Newest", bruno, (), 1),
        ("Mine young", amara, (), 2),
        ("Nobodys", None, (), 3),
        ("Mine done", amara, ("reached_out",), 4),
        ("Mine old", amara, (), 5),
    ]:
        came = LONG_AGO - timedelta(hours=hours)
        given(LeadFactory, *traits, first_name=name, last_name="X", assigned_to=owner, created_at=came)
    answer = browser().sign_in(amara).get("/desk")
    assert shown(answer) == ["Mine old X", "Mine young X", "Nobodys X", "Newest X", "Mine done X"]
    assert headings(answer) == ["Due", "Waiting", "With colleagues", "Done"]


def test_pages_are_complete_and_without_repeats(browser, given, amara):
    for number in range(30):
        given(
            LeadFactory, first_name="Jane", last_name=f"{number:02}", created_at=LONG_AGO + timedelta(number)
        )
    client = browser().sign_in(amara)
    first = client.get("/desk?sort=created_at")
    second = client.get(more(first))
    assert shown(first) + shown(second) == [f"Jane {number:02}" for number in range(30)]
    assert "Back to the first page" in second.text


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"q": "núñez"}, ["Ana Núñez"]),
        ({"q": "ANA@"}, ["Ana Núñez"]),
        ({"status": "REACHED_OUT"}, ["Bo Ek"]),
        ({"assigned_to": "none"}, ["Cy Un"]),
        ({"assigned_to": "me"}, ["Ana Núñez"]),
        ({"created_from": "2026-03-02", "created_to": "2026-03-02"}, ["Bo Ek"]),
        ({"sort": "last_name"}, ["Bo Ek", "Ana Núñez", "Cy Un"]),
        ({"q": "", "status": "", "sort": "-created_at"}, ["Cy Un", "Bo Ek", "Ana Núñez"]),
        ({"q": "", "status": "", "sort": ""}, ["Ana Núñez", "Cy Un", "Bo Ek"]),
        ({"group": "done"}, ["Bo Ek"]),
    ],
)
def test_leads_are_found_as_one_looks_for_them(browser, given, amara, asked, found):
    given(LeadFactory, first_name="Ana", last_name="Núñez", email="ana@example.com", assigned_to=amara,
          created_at=LONG_AGO)  # fmt: skip
    given(LeadFactory, "reached_out", first_name="Bo", last_name="Ek", assigned_to=given(UserFactory),
          created_at=LONG_AGO + timedelta(days=1))  # fmt: skip
    given(LeadFactory, first_name="Cy", last_name="Un", created_at=LONG_AGO + timedelta(days=2))
    answer = browser().sign_in(amara).get("/desk", query_string=asked)
    assert shown(answer) == found
    fields = Page(answer.text).inputs()
    assert fields["q"]["value"] == asked.get("q", "")


@pytest.mark.parametrize(
    "asked",
    [
        "?created_from=yesterday",
        "?created_to=9999-12-31",
        "?status=LOST",
        "?sort=x",
        "?assigned_to=x",
        "?cursor=x",
        "?group=x",
        "?group=due&cursor=x",
        "?age=x",
        "?colour=red",
        "?q=%00",
    ],
)
def test_what_cannot_be_asked_is_said_on_a_page(browser, amara, asked):
    answer = browser().sign_in(amara).get(f"/desk{asked}", headers={"Accept": "text/html"})
    assert answer.status_code == 422
    assert Page(answer.text).mistakes == []
    assert "/desk" in [link["href"] for link in Page(answer.text).all("a")]


def test_empty_lists_help(browser, given, amara):
    client = browser().sign_in(amara)
    assert "No lead has come yet" in client.get("/desk").text
    assert "Try fewer letters" in client.get("/desk?q=zzz").text
    assert "There is none" in client.get("/desk?group=due").text
    given(LeadFactory, "reached_out", assigned_to=amara)
    assert "Nothing is due" in client.get("/desk").text


def test_names_are_words_and_never_markup(browser, given, amara):
    given(LeadFactory, first_name="<img src=x onerror=alert(1)>", last_name="\"'><script>", assigned_to=amara)
    page = Page(browser().sign_in(amara).get("/desk").text)
    assert page.mistakes == []
    assert [one for one in page.all("img", "script") if not one["src"].startswith("/static/")] == []


def test_who_is_barred_sees_nothing_of_it(browser, given, amara):
    lead = given(LeadFactory, first_name="Secret", assigned_to=None)
    given(ScreenFactory, lead_id=lead.id, user=amara)
    assert "Secret" not in browser().sign_in(amara).get("/desk").text


def test_the_export_has_the_same_filter(browser, given, amara):
    given(LeadFactory, last_name="Wanted", created_at=LONG_AGO)
    given(LeadFactory, last_name="Other", created_at=LONG_AGO + timedelta(days=3))
    client = browser().sign_in(amara)
    page = Page(client.get("/desk?q=jane&created_to=2026-03-01").text)
    address = next(link["href"] for link in page.all("a") if ".csv" in link["href"])
    exported = client.get(address)
    assert exported.status_code == 200
    assert "Wanted" in exported.text
    assert "Other" not in exported.text


class TestOfAFirmInNewYork:
    """Excel reads the export."""

    @pytest.fixture
    def settings(self) -> dict[str, object]:
        return {"TIMEZONE": "America/New_York"}

    def test_the_export_is_for_a_spreadsheet(self, browser, given, amara):
        given(LeadFactory, "reached_out", last_name="López", created_at=LONG_AGO, reached_at=LONG_AGO)
        exported = browser().sign_in(amara).get("/desk/leads.csv")
        assert exported.data.startswith(codecs.BOM_UTF8)
        (row,) = csv.DictReader(io.StringIO(exported.data.decode("utf-8-sig"), newline=""))
        assert (row["last_name"], row["reference"][4]) == ("López", "-")
        local = f"{LONG_AGO.astimezone(ZoneInfo('America/New_York')):%Y-%m-%d %H:%M}"
        assert row["created_at"] == row["reached_at"] == local


def test_looking_is_on_record_once(browser, given, amara, rows):
    given(LeadFactory, assigned_to=amara)
    client = browser().sign_in(amara)
    before = len(rows(AuditEntry))
    client.get("/desk")
    assert [entry.action for entry in rows(AuditEntry)[before:]] == ["leads.listed"]


class TestPulse:
    """A page that asks whether anything changed."""

    def test_nothing_comes_back_while_nothing_changes_and_nothing_is_on_record(
        self, browser, given, amara, rows
    ):
        given(LeadFactory)
        client = browser().sign_in(amara)
        first = client.get("/desk/pulse")
        before = len(rows(AuditEntry))
        again = client.get("/desk/pulse", headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")
        assert "HX-Trigger" not in again.headers  # htmx obeys it on a 304, too
        assert first.headers["HX-Trigger"] == "leads-changed"
        assert len(rows(AuditEntry)) == before

    @pytest.mark.every_engine
    def test_any_change_of_a_lead_one_sees_is_felt(self, browser, given, amara, max_):
        lead = given(LeadFactory)
        client, manager = browser().sign_in(amara), browser().sign_in(max_)
        acts = [
            lambda: manager.put(f"/internal/leads/{lead.id}/assignee", json={"user_id": str(amara.id)}),
            lambda: manager.patch(f"/internal/leads/{lead.id}", json={"status": "REACHED_OUT"}),
            lambda: manager.delete(f"/internal/leads/{lead.id}"),
            lambda: manager.post(f"/internal/leads/{lead.id}/restore"),
            lambda: manager.submit(),
        ]
        felt = client.get("/desk/pulse").headers["ETag"]
        for act in acts:
            assert act().status_code < 300
            now_is = client.get("/desk/pulse", headers={"If-None-Match": felt})
            assert now_is.status_code == 200
            felt = now_is.headers["ETag"]

    def test_a_page_that_asks_by_itself_keeps_no_session_alive(self, browser, given, amara, rows):
        client = browser().sign_in(amara)
        (before,) = rows(SignedInSession)
        with time_machine.travel(datetime.now(UTC) + timedelta(minutes=20)):
            assert client.get("/desk/pulse").status_code == 200
        assert rows(SignedInSession)[0].last_seen_at == before.last_seen_at
        with time_machine.travel(datetime.now(UTC) + timedelta(minutes=31)):
            assert client.get("/desk/pulse", headers={"HX-Request": "true"}).status_code == 401


class TestOwnOnly:
    """Where attorneys see their own."""

    @pytest.fixture
    def settings(self):
        return {"ATTORNEY_VISIBILITY": "own"}

    def test_nobody_sees_a_lead_of_others(self, browser, given, amara, bruno):
        given(LeadFactory, first_name="Bruno's", assigned_to=bruno)
        given(LeadFactory, first_name="Mine", last_name="X", assigned_to=amara)
        assert shown(browser().sign_in(amara).get("/desk")) == ["Mine X"]

    def test_it_is_felt_when_one_of_mine_is_taken_away(self, browser, given, amara, bruno, max_):
        lead, _ = given(LeadFactory, assigned_to=amara), given(LeadFactory, assigned_to=amara)
        client, manager = browser().sign_in(amara), browser().sign_in(max_)
        felt = client.get("/desk/pulse").headers["ETag"]
        manager.put(f"/internal/leads/{lead.id}/assignee", json={"user_id": str(bruno.id)})
        assert client.get("/desk/pulse", headers={"If-None-Match": felt}).status_code == 200
