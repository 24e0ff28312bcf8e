"""Who acts: told apart in the trail, and never an operator where a request is served."""

from __future__ import annotations

import pytest
from flask_login import login_user

from leadintake.audit.models import AuditEntry
from leadintake.audit.schemas import AuditFilter
from leadintake.audit.service import audit
from leadintake.auth.actor import current_actor
from leadintake.auth.models import User
from leadintake.core.actor import ANONYMOUS, OPERATOR, SYSTEM, current_person
from leadintake.core.db.transaction import transaction
from leadintake.leads.distribution import alerts
from leadintake.leads.quarantine.service import quarantine
from leadintake.leads.service import leads
from leadintake.notifications.service import notifications
from tests.factories import LeadFactory, UserFactory

NO_POWER = "OPERATOR is for commands"


@pytest.fixture
def in_a_request(app):
    with app.test_request_context("/internal/leads"):
        yield


class TestAnOperatorInARequest:
    """A view that names one is broken, and says so before it shows or writes anything."""

    def test_writes_nothing_into_the_trail(self, in_a_request):
        with pytest.raises(RuntimeError, match=NO_POWER):
            audit.record("lead.read", actor=OPERATOR)
        with pytest.raises(RuntimeError, match=NO_POWER):
            audit.record_refusal("lead.refused", actor=OPERATOR)

    @pytest.mark.parametrize(
        "look",
        [
            lambda lead: leads.get(lead.id, reader=OPERATOR),
            lambda lead: leads.duplicates(lead, reader=OPERATOR),
            lambda _: quarantine.count(reader=OPERATOR),
            lambda _: notifications.page(None, reader=OPERATOR, limit=1, cursor=None),
            lambda _: notifications.retry_all_failed(actor=OPERATOR),
            lambda _: audit.iterate(AuditFilter(), actor=OPERATOR),
        ],
    )
    def test_sees_nothing(self, given, in_a_request, look):
        lead = given(LeadFactory)
        with pytest.raises(RuntimeError, match=NO_POWER):
            look(lead)

    def test_is_somebody_else_s_trouble_outside_of_one(self, app, given):
        lead = given(LeadFactory)
        with app.app_context(), transaction():
            assert leads.get(lead.id, reader=OPERATOR).id == lead.id


class TestTheCurrentActor:
    def test_is_the_user_and_no_proxy(self, app, given):
        amara = given(UserFactory)
        with app.test_request_context("/internal/session"):
            login_user(amara)
            assert type(current_actor()) is User
            assert current_actor() is current_person() is amara

    def test_is_nobody_where_nobody_signed_in(self, app, in_a_request):
        with pytest.raises(RuntimeError, match="Nobody is signed in"):
            current_actor()

    def test_is_nobody_outside_of_a_request(self, app):
        with app.app_context(), pytest.raises(RuntimeError, match="Nobody is signed in"):
            current_actor()


def test_the_trail_and_the_history_have_a_word_for_each(app, given, rows):
    amara = given(UserFactory, email="amara@firm.example.com")
    with app.app_context():
        with transaction():
            for actor in (amara, OPERATOR, SYSTEM, ANONYMOUS):
                audit.record("tried", actor=actor)
        names = [alerts.name_of(actor) for actor in (amara, OPERATOR, SYSTEM, ANONYMOUS)]
    assert names == ["amara@firm.example.com", "operator", "system", "prospect"]
    entries = sorted(rows(AuditEntry), key=lambda entry: entry.number)
    kinds = [(entry.actor_kind, entry.actor_id) for entry in entries]
    assert kinds == [("user", amara.id), ("operator", None), ("system", None), ("anybody", None)]
