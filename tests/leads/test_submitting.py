"""POST /public/leads: what a prospect is promised."""

from __future__ import annotations

import hashlib
import io

import pytest

from leadintake.documents.models import Document
from leadintake.leads.models import Lead, LeadEvent
from leadintake.notifications.models import Notification
from tests.factories import UserFactory
from tests.support.client import PDF


def nothing_is_kept(rows, app) -> bool:
    """Whether there is no row, no file and no message."""
    with app.app_context():
        files = list(app.extensions["leadintake.storage"].names())
    return not (rows(Lead) or rows(Document) or rows(Notification) or rows(LeadEvent) or files)


@pytest.mark.every_engine
def test_a_good_form_becomes_a_lead_a_file_an_assignment_and_two_messages(client, given, rows):
    amara = given(UserFactory)
    answer = client.submit()
    assert answer.status_code == 201
    lead, document = rows(Lead)[0], rows(Document)[0]
    assert answer.json == {
        "id": str(lead.id),
        "reference": lead.reference,
        "status": "PENDING",
        "first_name": "Jane",
        "last_name": "Doe",
        "email": "jane@example.com",
        "resume": {"filename": "resume.pdf", "content_type": "application/pdf", "size": len(PDF)},
        "created_at": lead.created_at.isoformat().replace("+00:00", "Z"),
    }
    assert lead.assignee_id == amara.id
    assert document.sha256 == hashlib.sha256(PDF).hexdigest()
    assert {(owed.kind, owed.recipient) for owed in rows(Notification)} == {
        ("attorney_alert", amara.email),
        ("prospect_confirmation", "jane@example.com"),
    }


def test_every_wrong_field_is_named_and_nothing_is_kept(client, app, rows):
    answer = client.submit(
        first_name=" ",
        last_name="x" * 101,
        email="jane@",
        resume_file=(io.BytesIO(b""), "resume.pdf"),
        language="tlh",
    )
    assert answer.status_code == 422
    assert set(answer.json["errors"]) == {"first_name", "last_name", "email", "resume_file", "language"}
    assert nothing_is_kept(rows, app)
