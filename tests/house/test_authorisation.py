"""Who may enter which route: every route times every kind of caller. A new route without a row fails."""

from __future__ import annotations

import uuid

import pytest

from tests.factories import LeadFactory, NotificationFactory, UserFactory

CALLERS = ("nobody", "viewer", "attorney", "manager", "admin", "deactivated")
READERS = {"viewer", "attorney", "manager", "admin"}
WORKERS = {"attorney", "manager", "admin"}
MANAGERS = {"manager", "admin"}

# (method, rule): whom the guard lets in. What the service says of one lead is tested with the room.
MAY = {
    ("POST", "/internal/session"): set(CALLERS),
    ("GET", "/internal/session"): READERS,
    ("DELETE", "/internal/session"): READERS,
    ("GET", "/internal/leads"): READERS,
    ("GET", "/internal/leads.csv"): READERS,
    ("GET", "/internal/leads/<uuid:lead_id>"): READERS,
    ("PATCH", "/internal/leads/<uuid:lead_id>"): WORKERS,
    ("DELETE", "/internal/leads/<uuid:lead_id>"): MANAGERS,
    ("POST", "/internal/leads/<uuid:lead_id>/restore"): MANAGERS,
    ("PUT", "/internal/leads/<uuid:lead_id>/assignee"): WORKERS,
    ("GET", "/internal/leads/<uuid:lead_id>/resume"): READERS,
    ("GET", "/internal/leads/<uuid:lead_id>/history"): READERS,
    ("GET", "/internal/leads/<uuid:lead_id>/notifications"): READERS,
    ("GET", "/internal/notifications"): MANAGERS,
    ("POST", "/internal/notifications/<uuid:notification_id>/retry"): MANAGERS,
}
BODIES = {
    ("POST", "/internal/session"): {"email": "x@firm.example.com", "password": "wrong"},
    ("PATCH", "/internal/leads/<uuid:lead_id>"): {"status": "REACHED_OUT"},
}


def unsafe_and_safe_rules(app) -> set[tuple[str, str]]:
    return {
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/internal")
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }


def test_the_matrix_has_a_row_for_every_internal_route_and_no_other(app):
    assert unsafe_and_safe_rules(app) == set(MAY)


@pytest.fixture
def caller(request, browser, given):
    """A client of the wanted kind, and that user."""
    client, kind = browser(), request.param
    if kind == "nobody":
        return client, None
    traits = [] if kind in ("attorney", "deactivated") else [kind]
    user = given(UserFactory, *traits)
    client.sign_in(user)
    if kind == "deactivated":
        _deactivate(client.application, user.email)
    return client, user


def _deactivate(app, email):
    done = app.test_cli_runner().invoke(args=["users", "deactivate", email])
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize("caller", CALLERS, indirect=True, ids=CALLERS)
@pytest.mark.parametrize(("method", "rule"), MAY, ids=lambda part: part)
def test_a_route_lets_in_exactly_whom_the_table_names(request, caller, given, method, rule):
    client, user = caller
    kind = request.node.callspec.params["caller"]
    deleted = {"deleted": True} if "restore" in rule else {}
    lead = given(LeadFactory, *deleted, assigned_to=user)
    owed = given(NotificationFactory, lead_id=lead.id)
    path = rule.replace("<uuid:lead_id>", str(lead.id)).replace("<uuid:notification_id>", str(owed.id))
    body = BODIES.get((method, rule)) or (
        {"user_id": str(lead.assignee_id) if user else None} if "assignee" in rule else None
    )
    answer = client.open(path, method=method, json=body)
    if kind in MAY[method, rule]:
        assert answer.status_code in ({200, 204} if "session" not in path or method != "POST" else {401})
    else:
        assert answer.status_code == (401 if kind in ("nobody", "deactivated") else 403)


@pytest.mark.parametrize(
    ("method", "rule"), [pair for pair in MAY if pair[0] != "GET"], ids=lambda part: part
)
def test_no_unsafe_route_works_without_the_csrf_token(browser, given, method, rule):
    if rule == "/internal/session" and method == "POST":
        refused = browser().post(rule, json=BODIES[method, rule], headers={"Sec-Fetch-Site": "cross-site"})
        assert refused.status_code == 403
        return
    client = browser().sign_in(given(UserFactory, "admin"))
    path = rule.replace("<uuid:lead_id>", str(uuid.uuid4())).replace(
        "<uuid:notification_id>", str(uuid.uuid4())
    )
    answer = client.open(path, method=method, json={}, headers={"X-CSRFToken": "forged"})
    assert answer.status_code == 403


def test_public_and_operations_routes_ask_nobody_who_they_are(app):
    open_views = {
        rule.rule
        for rule in app.url_map.iter_rules()
        if not rule.rule.startswith("/internal") and rule.endpoint != "pages.static"
    }
    assert open_views == {
        "/", "/thanks/<uuid:reference>", "/unsubscribe/<uuid:message_id>", "/public/leads",
        "/healthz", "/readyz", "/metrics", "/openapi.json", "/docs",
    }  # fmt: skip
