"""What the assignment lock is for: whatever gives leads to people waits for each other, on every engine."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from leadintake.core.clock import now
from leadintake.leads.distribution.handover import handover
from leadintake.leads.models import Lead
from leadintake.notifications.models import Notification
from tests.factories import LeadFactory, UserFactory
from tests.support.overlap import Overlap

pytestmark = pytest.mark.every_engine


@pytest.fixture
def overlap(app, monkeypatch) -> Overlap:
    return Overlap(app, monkeypatch)


@pytest.fixture
def manager(browser, given):
    return browser().sign_in(given(UserFactory, "manager"))


@pytest.fixture
def other_manager(browser, given):
    return browser().sign_in(given(UserFactory, "manager"))


@pytest.fixture
def bruno(given):
    return given(UserFactory, name="Bruno")


@pytest.fixture
def set_away(manager, bruno) -> Callable[[], object]:
    def act() -> int:
        body = {"user_id": str(bruno.id), "first_day": now().date().isoformat()}
        return manager.post("/internal/absences", json=body).status_code

    return act


def whose(rows, lead) -> object:
    return next(one.assignee_id for one in rows(Lead) if one.id == lead.id)


class TestWhoIsSetAwayAtThisMoment:
    """Their pending leads went to others already: none may come after that."""

    def test_is_given_no_lead(self, overlap, other_manager, given, rows, bruno, set_away):
        lead = given(LeadFactory)
        address = f"/internal/leads/{lead.id}/assignee"
        away, given_to = overlap.run(
            set_away, lambda: other_manager.put(address, json={"user_id": str(bruno.id)}).status_code
        )
        assert (away, given_to, whose(rows, lead)) == (201, 422, None)

    def test_takes_no_lead(self, overlap, browser, given, rows, bruno, set_away):
        lead, own = given(LeadFactory), browser().sign_in(bruno)
        page = own.get(f"/desk/leads/{lead.id}")
        assert page.status_code == 200
        address, form = f"/desk/leads/{lead.id}/take", {"csrf_token": own.csrf_token}
        away, taken = overlap.run(set_away, lambda: own.post(address, data=form).status_code)
        assert (away, taken, whose(rows, lead)) == (201, 303, None)

    def test_has_no_lead_restored(self, overlap, other_manager, given, rows, bruno, set_away):
        lead = given(LeadFactory, "deleted", assigned_to=bruno)
        address = f"/internal/leads/{lead.id}/restore"
        away, restored = overlap.run(set_away, lambda: other_manager.post(address).status_code)
        assert (away, restored, whose(rows, lead)) == (201, 200, None)

    def test_is_given_none_by_a_command(self, app, overlap, given, rows, bruno, set_away):
        lead, run = given(LeadFactory), app.test_cli_runner()
        away, done = overlap.run(
            set_away, lambda: run.invoke(args=["leads", "reassign", str(lead.id), bruno.email]).exit_code
        )
        assert (away, done != 0, whose(rows, lead)) == (201, True, None)


def test_who_is_deactivated_at_this_moment_is_given_no_lead(app, overlap, browser, given, rows, bruno):
    admin = browser().sign_in(given(UserFactory, "admin"))
    lead, run = given(LeadFactory), app.test_cli_runner()
    out, done = overlap.run(
        lambda: admin.delete(f"/internal/users/{bruno.id}").status_code,
        lambda: run.invoke(args=["leads", "reassign", str(lead.id), bruno.email]).exit_code,
    )
    assert (out, done != 0, whose(rows, lead)) == (204, True, None)


class TestTwoLeadsOnTheirWayAtOnce:
    """Each decision sees the one before: with two people to choose from, each has one."""

    @pytest.fixture
    def free(self, given):
        return [given(UserFactory, name=name) for name in ("Chiara", "Dora")]

    @pytest.fixture
    def owners(self, given):
        return [given(UserFactory, "busy", name=name) for name in ("Amara", "Emil")]

    def test_released_from_quarantine(self, overlap, manager, other_manager, given, rows, free):
        held = [given(LeadFactory, "quarantined") for _ in range(2)]
        jobs = [
            lambda client=client, lead=lead: (
                client.post(f"/internal/quarantine/{lead.id}/release").status_code
            )
            for client, lead in zip((manager, other_manager), held, strict=True)
        ]
        assert overlap.run(*jobs) == (200, 200)
        assert {lead.assignee_id for lead in rows(Lead)} == {one.id for one in free}

    @pytest.mark.parametrize("through", ["/internal/leads/{}/decline", "/desk/leads/{}/decline"])
    def test_declined(self, overlap, browser, given, rows, free, owners, through):
        theirs = [given(LeadFactory, assigned_to=owner) for owner in owners]
        clients = [browser().sign_in(owner) for owner in owners]

        def decline(client, lead) -> int:
            address = through.format(lead.id)
            if address.startswith("/desk"):
                form = {"reason": "A conflict.", "csrf_token": client.csrf_token}
                return client.post(address, data=form).status_code
            return client.post(address, json={"reason": "A conflict."}).status_code

        jobs = [lambda pair=pair: decline(*pair) for pair in zip(clients, theirs, strict=True)]
        first, second = overlap.run(*jobs)
        assert first == second < 400
        assert {lead.assignee_id for lead in rows(Lead)} == {one.id for one in free}

    def test_taken_from_who_is_screened(self, overlap, manager, other_manager, given, rows, free, owners):
        theirs = [given(LeadFactory, assigned_to=owner) for owner in owners]
        jobs = [
            lambda client=client, lead=lead, owner=owner: (
                client.post(
                    f"/internal/leads/{lead.id}/screens",
                    json={"user_id": str(owner.id), "notice": "Her cousin."},
                ).status_code
            )
            for client, lead, owner in zip((manager, other_manager), theirs, owners, strict=True)
        ]
        assert overlap.run(*jobs) == (201, 201)
        assert {lead.assignee_id for lead in rows(Lead)} == {one.id for one in free}


def test_nobody_is_reminded_of_a_lead_that_was_deleted_meanwhile(app, overlap, manager, given, rows):
    lead = given(LeadFactory)

    def remind() -> None:
        with app.app_context():
            handover.run_worker_tick()

    deleted, _ = overlap.run(lambda: manager.delete(f"/internal/leads/{lead.id}").status_code, remind)
    assert deleted == 204
    assert [one.kind for one in rows(Notification) if one.deleted_at is None] == []
