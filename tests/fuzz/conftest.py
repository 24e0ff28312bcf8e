"""An application with everything switched on that takes text, and two who send it."""

from __future__ import annotations

import uuid

import pytest

from leadintake.core.db.transaction import transaction
from leadintake.notifications.service import notifications
from tests.factories import LeadFactory, NotificationFactory, UserFactory
from tests.fuzz.inputs import Inputs, routes


@pytest.fixture
def settings() -> dict[str, object]:
    switched_on = {"PASSKEYS": True, "ALTCHA": True, "ASK_PHONE": "optional", "PHONE_REGION": "US"}
    return {**switched_on, "PUBLIC_URL": "http://localhost:8000", "TRUSTED_PROXIES": 1}


@pytest.fixture
def ids(app, given) -> dict[str, uuid.UUID]:
    """What there is, by the name that a rule gives its id."""
    lead, colleague = given(LeadFactory), given(UserFactory)
    with app.app_context(), transaction():
        notifications.record_beat("a worker that lives")
    message = given(NotificationFactory, lead_id=lead.id)
    return {
        "lead_id": lead.id, "user_id": colleague.id, "notification_id": message.id,
        "message_id": message.id, "reference": lead.id,
    }  # fmt: skip


@pytest.fixture
def stranger(app, ids) -> Inputs:
    """What anybody reaches."""
    return Inputs([route for route in routes(app, ids) if route.is_open])


@pytest.fixture
def administrator(app, ids, given, client) -> Inputs:
    """What somebody reaches who may do everything."""
    client.sign_in(given(UserFactory, "admin"))
    cookie = client.get_cookie(app.config["SESSION_COOKIE_NAME"])
    shut = [route for route in routes(app, ids) if not route.is_open]
    return Inputs(shut, f"{cookie.key}={cookie.value}", client.csrf_token)
