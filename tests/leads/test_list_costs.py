"""What the lists of JSON cost: plain rows, and no object of the ORM for any of them."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from leadintake.audit.models import AuditEntry
from leadintake.documents.models import Document
from leadintake.leads.models import Lead
from leadintake.notifications.models import Notification
from tests.factories import LeadFactory, NotificationFactory, UserFactory
from tests.support.statements import statements

ROWS = 7


@pytest.fixture
def admin(client, given):
    person = given(UserFactory, "admin")
    client.sign_in(person)
    for _ in range(ROWS):
        lead = given(LeadFactory, assigned_to=person)
        given(NotificationFactory, "failed", lead_id=lead.id)
        client.get(f"/internal/leads/{lead.id}")  # for the audit trail
    return client


@pytest.fixture
def loaded():
    """The objects that are made of rows meanwhile."""
    made: list[str] = []

    def note(target: object, _: object) -> None:
        made.append(type(target).__name__)

    models = (Lead, Document, Notification, AuditEntry)
    for model in models:
        sa.event.listen(model, "load", note)
    yield made
    for model in models:
        sa.event.remove(model, "load", note)


@pytest.mark.parametrize("path", ["/internal/leads", "/internal/notifications", "/internal/audit"])
def test_a_list_makes_no_objects_of_its_rows(path, admin, loaded):
    answer = admin.get(path)
    assert answer.status_code == 200
    assert len(answer.json["items"]) >= ROWS
    assert loaded == []


def test_the_list_of_messages_reads_no_texts(app, admin):
    with statements(app) as sent:
        assert admin.get("/internal/notifications").status_code == 200
    (read,) = [statement for statement in sent if "FROM notifications" in statement]
    assert "notifications.html" not in read
    assert "notifications.text" not in read
