"""A lead that was deleted, or is hidden, is in no page, count, ETag or report: as if it had never come."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine

from leadintake.core.clock import now
from leadintake.leads.models import Lead
from tests.factories import LeadFactory, ScreenFactory, UserFactory

EVERYWHERE = (
    "/desk", "/desk?q=jane", "/desk?status=PENDING", "/desk?assigned_to=me", "/desk?sort=-updated_at",
    "/desk/pulse", "/desk/report", "/desk/quarantine", "/desk/messages", "/desk/messages?status=failed",
    "/desk/people", "/desk/absences", "/internal/leads?count=true", "/internal/leads?q=jane&count=true",
    "/internal/leads.csv", "/desk/leads.csv", "/internal/assignment/report", "/internal/notifications",
    "/internal/quarantine", "/metrics",
)  # fmt: skip
LEADS_ONLY = "leadintake_leads"


@pytest.fixture(autouse=True)
def still():
    """Nothing here differs by the time that passed."""
    with time_machine.travel("2026-03-01T12:00:00Z", tick=False):
        yield


@pytest.fixture
def amara(given):
    return given(UserFactory, name="Amara")


@pytest.fixture
def manager(browser, given, amara):
    return browser().sign_in(given(UserFactory, "manager"))


@pytest.fixture
def twin(given, amara):
    """Another lead of the same client, which shows those with the same address."""
    return given(LeadFactory, email="jane@example.com", assigned_to=amara)


def everything(reader, lead) -> dict[str, object]:
    """What the reader is told on every page and list, and of this lead."""
    addresses = (*EVERYWHERE, f"/desk/leads/{lead.id}/pulse", f"/internal/leads/{lead.id}")
    return {address: told(reader.get(address)) for address in addresses}


def told(answer) -> object:
    assert answer.status_code == 200
    text = answer.text
    if answer.mimetype == "text/plain":  # of the metrics those about leads: others count requests
        text = "\n".join(line for line in text.splitlines() if line.startswith(LEADS_ONLY))
        assert text
    return answer.headers.get("ETag"), text


def sent_in(browser, rows, **more: str) -> Lead:
    with time_machine.travel(now() - timedelta(minutes=1), tick=False):
        assert browser().submit(email="jane@example.com", **more).status_code == 201
    return rows(Lead)[-1]


@pytest.mark.every_engine
def test_a_lead_that_was_deleted_leaves_no_trace(browser, manager, twin, rows):
    before = everything(manager, twin)
    lead = sent_in(browser, rows)
    between = everything(manager, twin)
    assert manager.delete(f"/internal/leads/{lead.id}").status_code == 204
    assert everything(manager, twin) == before
    told_of_it = {address for address in before if between[address] != before[address]}
    shows_leads = set(before) - {
        "/desk/quarantine", "/internal/quarantine", "/desk/messages?status=failed", "/desk/people",
        "/desk/absences",
    }  # fmt: skip
    assert told_of_it == shows_leads  # the list above is no empty one


def test_one_that_was_discarded_from_the_quarantine_leaves_none(browser, manager, twin, rows):
    before = everything(manager, twin)
    lead = sent_in(browser, rows, remarks="https://spam.example")
    held = everything(manager, twin)
    lists = {
        "/desk/pulse",
        "/internal/leads?count=true",
        "/internal/assignment/report",
        "/internal/leads.csv",
        "/desk/leads.csv",
    }
    assert {one: held[one] for one in lists} == {one: before[one] for one in lists}
    assert manager.post(f"/internal/quarantine/{lead.id}/discard").status_code == 204
    assert everything(manager, twin) == before


def test_one_that_is_screened_is_in_nothing_its_reader_is_told(browser, given, manager, twin, rows, amara):
    boss = given(UserFactory, "manager")
    barred = browser().sign_in(boss)
    before = everything(barred, twin)
    lead = given(LeadFactory, email="jane@example.com", assigned_to=amara)
    given(ScreenFactory, lead_id=lead.id, user=boss)
    unscreened_counts = {"/metrics"}  # of the whole service: read by its operator
    after = everything(barred, twin)
    assert {one for one in before if before[one] != after[one]} == unscreened_counts


def test_that_an_old_lead_went_is_felt_by_an_open_page(browser, given, manager):
    with time_machine.travel(now() - timedelta(days=30), tick=False):
        old = given(LeadFactory)
    for _ in range(3):
        given(LeadFactory)
    reader = browser().sign_in(given(UserFactory, "viewer"))
    seen = reader.get("/desk/pulse").headers["ETag"]
    assert reader.get("/desk/pulse", headers={"If-None-Match": seen}).status_code == 304
    manager.delete(f"/internal/leads/{old.id}")
    assert reader.get("/desk/pulse", headers={"If-None-Match": seen}).status_code == 200
