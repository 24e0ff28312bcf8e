"""PATCH /internal/leads/{id}: that the prospect was reached, who may say so, and of which version."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine

from leadintake.audit.models import AuditEntry
from leadintake.core.actor import SYSTEM
from leadintake.core.clock import now
from leadintake.core.db.transaction import transaction
from leadintake.core.db.types import new_id
from leadintake.leads.distribution import alerts
from leadintake.leads.models import Lead, LeadEvent
from leadintake.leads.status import TRANSITIONS, LeadStatus
from tests.factories import LeadFactory, UserFactory
from tests.support.leads import WORK

PENDING, REACHED = {"status": "PENDING"}, {"status": "REACHED_OUT"}


@pytest.fixture
def amara(given):
    return given(UserFactory)


@pytest.fixture
def lead(given, amara):
    return given(LeadFactory, assigned_to=amara)


@pytest.fixture
def address(lead):
    return f"/internal/leads/{lead.id}"


@pytest.fixture
def attorney(browser, amara):
    return browser().sign_in(amara)


@pytest.fixture
def untouched(rows):
    """Whether the lead is as it was."""

    def ask() -> bool:
        (lead,) = rows(Lead)
        return (lead.status, lead.version) == (LeadStatus.PENDING, 1) and not rows(LeadEvent)

    return ask


@pytest.mark.parametrize("who", ["assignee", "manager", "admin"])
def test_who_has_the_lead_or_looks_after_all_may_say_it(browser, given, rows, amara, address, who):
    user = amara if who == "assignee" else given(UserFactory, who)
    answer = browser().sign_in(user).patch(address, json=REACHED)
    assert answer.status_code == 200
    assert answer.json == browser().sign_in(user).get(address).json
    assert (answer.json["status"], answer.json["version"]) == ("REACHED_OUT", 2)
    assert answer.headers["ETag"].startswith('"2.')
    assert [(event.actor, event.action) for event in rows(LeadEvent)] == [(user.email, "reached_out")]


@pytest.mark.parametrize("who", ["other attorney", "viewer"])
def test_nobody_else_may(browser, given, untouched, address, who):
    user = given(UserFactory) if who == "other attorney" else given(UserFactory, who)
    answer = browser().sign_in(user).patch(address, json=REACHED)
    assert (answer.status_code, answer.content_type) == (403, "application/problem+json")
    assert untouched()


def test_an_attorney_may_not_even_where_nobody_has_the_lead(attorney, given):
    free = given(LeadFactory)
    assert attorney.patch(f"/internal/leads/{free.id}", json=REACHED).status_code == 403


def test_saying_it_again_is_a_harmless_200(attorney, rows, address):
    first, again = (attorney.patch(address, json=REACHED) for _ in range(2))
    assert (again.status_code, again.json, again.headers["ETag"]) == (200, first.json, first.headers["ETag"])
    assert len(rows(LeadEvent)) == 1


def test_a_pending_lead_may_be_called_pending(attorney, untouched, address):
    assert attorney.patch(address, json={"status": "PENDING"}).status_code == 200
    assert untouched()


class TestReopening:
    """The way back: for its attorney within an hour, for managers at any time, on record."""

    @pytest.mark.every_engine
    def test_its_attorney_takes_it_back_within_an_hour(self, attorney, rows, address):
        attorney.patch(address, json=REACHED)
        assert attorney.get(address).json["allowed"] == ["reopen", *WORK]
        answer = attorney.patch(address, json=PENDING)
        assert (answer.status_code, answer.json["status"]) == (200, "PENDING")
        assert answer.json["allowed"] == ["change_status", "decline", *WORK]
        (lead,) = rows(Lead)
        assert (lead.status, lead.reached_at) == ("PENDING", None)
        assert [event.action for event in rows(LeadEvent)] == ["reached_out", "reopened"]
        assert rows(AuditEntry)[-1].action == "lead.reopened"

    def test_after_an_hour_it_is_a_manager_who_does(self, browser, given, amara, rows, address):
        browser().sign_in(amara).patch(address, json=REACHED)
        with time_machine.travel(now() + timedelta(minutes=61)):
            attorney = browser().sign_in(amara)
            answer = attorney.patch(address, json=PENDING)
            assert (answer.status_code, answer.content_type) == (409, "application/problem+json")
            assert "A manager can" in answer.json["detail"]
            assert attorney.get(address).json["allowed"] == [*WORK]
            assert rows(Lead)[0].status == "REACHED_OUT"
            manager = browser().sign_in(given(UserFactory, "manager"))
            assert "reopen" in manager.get(address).json["allowed"]
            assert manager.patch(address, json=PENDING).json["status"] == "PENDING"

    def test_after_the_act_of_another_it_is_a_manager_who_does(
        self, browser, given, amara, attorney, rows, address
    ):
        attorney.patch(address, json=REACHED)
        manager = browser().sign_in(given(UserFactory, "manager"))
        for owner in (None, str(amara.id)):
            manager.put(f"{address}/assignee", json={"user_id": owner})
        answer = attorney.patch(address, json=PENDING)
        assert (answer.status_code, answer.json["detail"][:24]) == (409, "Somebody changed this le")
        assert rows(Lead)[0].status == "REACHED_OUT"

    def test_what_the_service_did_meanwhile_is_nobody_s_act(self, app, attorney, rows, address):
        attorney.patch(address, json=REACHED)
        with app.app_context(), transaction():
            alerts.record(rows(Lead)[0], "message_failed", "to amara@firm.example.com", actor=SYSTEM)
        assert attorney.patch(address, json=PENDING).status_code == 200

    def test_nobody_else_may(self, browser, given, attorney, address):
        attorney.patch(address, json=REACHED)
        assert browser().sign_in(given(UserFactory)).patch(address, json=PENDING).status_code == 403

    def test_a_lead_whose_attorney_left_meanwhile_goes_to_the_next(
        self, browser, given, amara, attorney, rows, address
    ):
        next_one = given(UserFactory)
        attorney.patch(address, json=REACHED)
        admin = browser().sign_in(given(UserFactory, "admin"))
        assert admin.patch(f"/internal/users/{amara.id}", json={"active": False}).status_code == 200
        assert rows(Lead)[0].assignee_id == amara.id  # whoever was reached stays where they were
        assert admin.patch(address, json=PENDING).status_code == 200
        assert rows(Lead)[0].assignee_id == next_one.id

    def test_a_transition_that_is_not_in_the_table_is_409(self, attorney, monkeypatch, rows, address):
        attorney.patch(address, json=REACHED)
        monkeypatch.setitem(TRANSITIONS, LeadStatus.REACHED_OUT, set())
        assert attorney.patch(address, json=PENDING).status_code == 409
        assert rows(Lead)[0].status == "REACHED_OUT"


def test_an_if_match_that_names_the_version_lets_through(attorney, given, amara):
    for good in ('"1"', "*", '"7", "1"', 'W/"3", "1"', '"0" , "1" ,"2"'):
        fresh = f"/internal/leads/{given(LeadFactory, assigned_to=amara).id}"
        assert attorney.patch(fresh, json=REACHED, headers={"If-Match": good}).status_code == 200, good


def test_an_if_match_that_names_another_version_is_412(attorney, untouched, address):
    for stale in ('"0"', '"2"', 'W/"1"', '"11"', '"abc"', '"1 "', "", '"', '"é"', '"2", W/"1"'):
        answer = attorney.patch(address, json=REACHED, headers={"If-Match": stale})
        assert (answer.status_code, answer.content_type) == (412, "application/problem+json"), stale
    assert untouched()


def test_the_if_match_is_judged_before_rights_and_state(browser, given, attorney, address):
    stale = {"If-Match": '"99"'}
    assert (
        browser().sign_in(given(UserFactory)).patch(address, json=REACHED, headers=stale).status_code == 412
    )
    attorney.patch(address, json=REACHED)
    assert attorney.patch(address, json=REACHED, headers={"If-Match": '"1"'}).status_code == 412
    assert attorney.patch(address, json={"status": "PENDING"}, headers={"If-Match": '"1"'}).status_code == 412
    assert attorney.patch(address, json=REACHED, headers={"If-Match": '"2"'}).status_code == 200


WRONG_MEMBERS = (
    ({}, {"status"}),
    ({"status": "DONE"}, {"status"}),
    ({"status": "reached_out"}, {"status"}),
    ({"status": None}, {"status"}),
    ({"status": 1}, {"status"}),
    ({"status": ["REACHED_OUT"]}, {"status"}),
    ({"status": {"a": 1}}, {"status"}),
    ({"status": "REACHED_OUT", "first_name": "Eve"}, {"first_name"}),
    ({"status": "X", "version": 1, "id": "x"}, {"status", "version", "id"}),
    ({"Status": "REACHED_OUT"}, {"Status", "status"}),
    ({"status": "REACHED_OUT", "": 1}, {""}),
    ({"status": "REACHED_OUT", "x" * 5000: 1}, {"x" * 100}),
)


def test_a_body_that_does_not_validate_is_422_and_names_every_member(attorney, untouched, address):
    for body, fields in WRONG_MEMBERS:
        answer = attorney.patch(address, json=body)
        assert answer.status_code == 422, body
        assert set(answer.json["errors"]) == fields
    assert untouched()


def test_json_that_is_no_object_is_422(attorney, untouched, address):
    for body in ("[]", '"REACHED_OUT"', "1", "null", "true"):
        answer = attorney.patch(address, data=body, content_type="application/json")
        assert answer.status_code == 422, body
    assert untouched()


def test_what_is_no_json_is_400(attorney, untouched, address):
    cut = b'{"status": "REACHED_OUT"'
    for body in (b"", b"{", cut, b"{'status': 1}", b"\xff\xfe", b"[" * 60_000, b'{"status": NaN}'):
        answer = attorney.patch(address, data=body, content_type="application/json")
        assert (answer.status_code, answer.content_type) == (400, "application/problem+json"), body[:30]
    assert untouched()


def test_another_kind_of_body_is_415(attorney, untouched, address):
    good = b'{"status": "REACHED_OUT"}'
    for content_type in (
        "text/plain",
        "application/merge-patch+json",
        "application/x-www-form-urlencoded",
        "",
    ):
        assert attorney.patch(address, data=good, content_type=content_type).status_code == 415
    packed = {"Content-Encoding": "gzip"}
    answer = attorney.patch(address, data=good, content_type="application/json", headers=packed)
    assert answer.status_code == 415
    assert untouched()


def test_a_charset_beside_the_content_type_is_fine(attorney, address):
    body = '{"status": "REACHED_OUT"}'
    assert (
        attorney.patch(address, data=body, content_type="application/json; charset=utf-8").status_code == 200
    )


def test_without_the_right_csrf_token_it_is_403(attorney, untouched, address):
    attorney.csrf_token = None
    for header in ("X-CSRFToken", "X-CSRF-Token"):
        for headers in ({}, {header: ""}, {header: "wrong"}):
            assert attorney.patch(address, json=REACHED, headers=headers).status_code == 403, headers
    assert untouched()


def test_either_spelling_of_the_csrf_header_does(attorney, address):
    token, attorney.csrf_token = attorney.csrf_token, None
    for header in ("X-CSRFToken", "X-CSRF-Token"):
        assert attorney.patch(address, json=REACHED, headers={header: token}).status_code == 200


def test_a_page_of_another_site_is_403_even_with_the_token(attorney, untouched, address):
    for headers in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ):
        assert attorney.patch(address, json=REACHED, headers=headers).status_code == 403, headers
    assert untouched()


def test_who_is_not_signed_in_is_401_and_learns_nothing(client, address):
    for wanted in (address, f"/internal/leads/{new_id()}"):
        assert client.patch(wanted, json=REACHED).status_code == 401


def test_a_lead_that_is_not_there_is_404(attorney):
    assert attorney.patch(f"/internal/leads/{new_id()}", json=REACHED).status_code == 404


def test_a_query_beside_the_body_is_422(attorney, untouched, address):
    assert list(attorney.patch(f"{address}?force=1", json=REACHED).json["errors"]) == ["force"]
    assert untouched()
