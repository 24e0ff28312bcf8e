"""Whatever is sent to whatever route by whomever: never a 5xx, and always the one shape of an error."""

from __future__ import annotations

import re
import uuid

import pytest
from hypothesis import HealthCheck
from hypothesis import given as for_any
from hypothesis import settings as examples
from hypothesis import strategies as st

from leadintake.core.db.transaction import transaction
from leadintake.notifications.service import notifications
from tests.factories import LeadFactory, NotificationFactory, ScreenFactory, UserFactory
from tests.support.ledger import LONG

pytestmark = pytest.mark.no_cover  # many requests for few lines, which others count

FUZZ = examples(
    max_examples=1000 if LONG else 80,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
METHODS = st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"])
WORDS = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        ["", "\x00", "\ud7ff", "'", "%", "../..", "1e999", "-1", "null", "NaN", "9" * 400, "\u202e"]
    ),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | WORDS,
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(WORDS, inside, max_size=3),
    max_leaves=6,
)
MEMBERS = [
    "email", "password", "otp", "name", "role", "active", "can_intake", "status", "user_id", "notice", "code",
    "token", "current_password", "new_password", "credential", "reason", "first_day", "last_day",
    "substitute_id",
]  # fmt: skip
BODIES = st.one_of(
    st.none(),
    st.binary(max_size=60),
    st.dictionaries(st.sampled_from(MEMBERS), JSON, max_size=5),
    JSON,
)
QUERIES = st.dictionaries(
    st.sampled_from(
        [
            "limit",
            "cursor",
            "q",
            "sort",
            "status",
            "about",
            "action",
            "next",
            "code",
            "state",
            "x",
            "created_from",
        ]
    ),
    WORDS,
    max_size=3,
)
HEADERS = st.dictionaries(
    st.sampled_from(["If-Match", "Range", "Origin", "Accept", "Content-Encoding", "X-Request-Id", "Cookie"]),
    st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=30),
    max_size=2,
)


@pytest.fixture
def settings() -> dict[str, object]:
    return {"PASSKEYS": True, "PUBLIC_URL": "http://localhost:8000"}


@pytest.mark.parametrize("role", ["admin", "manager", "attorney", "viewer", "nobody", "barred"])
def test_no_input_from_anybody_is_a_5xx(app, browser, given, role):
    traits = [] if role in ("attorney", "nobody") else ["admin" if role == "barred" else role]
    person, client = given(UserFactory, *traits), browser()
    given(UserFactory, "admin")
    lead, colleague = given(LeadFactory), given(UserFactory)
    ids = [lead.id, colleague.id, given(NotificationFactory, lead_id=lead.id).id, uuid.uuid4(), person.id]
    if role == "barred":
        given(ScreenFactory, lead_id=lead.id, user=person)
    rules = sorted({rule.rule for rule in app.url_map.iter_rules()} - {"/static/<path:filename>"})
    myself = f"/internal/users/{person.id}"
    never = {"/internal/session", "/internal/sessions", "/internal/password", myself, f"{myself}/sessions"}
    never |= {"/desk/sign-out", "/desk/account/sign-out-everywhere", f"/desk/people/{person.id}"}

    @FUZZ
    @for_any(st.sampled_from(rules), METHODS, BODIES, QUERIES, HEADERS, st.data())
    def ask(rule, method, body, query, headers, data):
        path = re.sub(r"<(?:uuid|lead):\w+>", lambda _: str(data.draw(st.sampled_from(ids))), rule)
        path = re.sub(r"<\w+>", "something", path)
        if path in never and method in {"POST", "PUT", "DELETE", "PATCH"}:
            headers = {**headers, "X-CSRFToken": "forged"}  # it would end what the rest is asked in
        sent = {"data": body} if isinstance(body, bytes) else {"json": body}
        answer = client.open(path, method=method, query_string=query, headers=headers, **sent)
        assert answer.status_code < 500, (method, path, body, query, headers)
        if answer.status_code >= 400 and method != "HEAD" and "html" not in answer.content_type:
            assert answer.content_type == "application/problem+json", (method, path)
            assert answer.json["status"] == answer.status_code

    with app.app_context(), transaction():
        notifications.record_beat("a worker that lives")  # else readiness says 503, and rightly
    if role != "nobody":
        client.sign_in(person)
    ask()
    if role != "nobody":
        assert client.get("/internal/session").status_code == 200
