"""The OpenAPI document and the service say the same: schemathesis asks, with good and bad requests."""

from __future__ import annotations

import re

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, assume, settings
from hypothesis import given as given_case
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from leadintake.core.db.transaction import transaction
from leadintake.notifications.service import notifications
from tests.factories import LeadFactory, UserFactory
from tests.support.ledger import LONG

pytestmark = pytest.mark.no_cover  # many requests for few lines, which others count

UNASKED = {
    "internal_session_sign_out", "internal_session_sign_out_everywhere", "internal_session_end_session",
    "internal_account_change_password", "internal_users_sign_out", "internal_users_change",
}  # fmt: skip
"""These end or change the session that all other questions are asked in, or could: test_fuzz.py asks them."""

BEYOND_SCHEMA = {"POST /public/leads"}
"""A schema cannot say that a file is a resume: these refuse requests that fit it."""

EXAMPLES = settings(
    max_examples=40 if LONG else 4,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def described_api(app, client, given):
    """The API of an application with a lead, spoken to by an administrator."""
    client.sign_in(given(UserFactory, "admin"))
    given(LeadFactory)
    with app.app_context(), transaction():
        notifications.record_beat("a worker that lives")
    name = app.config["SESSION_COOKIE_NAME"]
    schema = schemathesis.openapi.from_wsgi("/openapi.json", app)
    cookie = f"{name}={client.get_cookie(name).value}"
    schema.config.update(headers={"Cookie": cookie, "X-CSRFToken": client.csrf_token})
    return schema


def _ask(operation, mode):
    @EXAMPLES
    @given_case(case=operation.as_strategy(generation_mode=mode))
    def ask(case):
        # An id that is the name of another address (/internal/passkeys/options) asks that one.
        known = case.operation.schema.raw_schema["paths"]
        assume(case.formatted_path == case.operation.path or case.formatted_path not in known)
        beyond = case.operation.label in BEYOND_SCHEMA
        case.call_and_validate(excluded_checks=[positive_data_acceptance] if beyond else [])

    ask()


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["good", "bad"])
def test_every_answer_is_one_the_document_announces(described_api, mode):
    asked = set()
    for found in described_api.get_all_operations():
        operation = found.ok()
        if operation.definition.raw["operationId"] in UNASKED:
            continue
        try:
            _ask(operation, mode)
        except Unsatisfiable:
            assert mode is GenerationMode.NEGATIVE  # an operation without input cannot be asked badly
        asked.add(operation.label)
    assert len(asked) > 15


def test_the_document_describes_every_route_of_the_api(app, client):
    document = client.get("/openapi.json").json
    assert document["openapi"].startswith("3.1")
    described = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    served = {
        (method, re.sub(r"<(?:uuid|lead):(\w+)>", r"{\1}", rule.rule))
        for rule in app.url_map.iter_rules()
        if not rule.endpoint.startswith(("site.", "account.", "well_known.", "desk."))
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    assert described == served
