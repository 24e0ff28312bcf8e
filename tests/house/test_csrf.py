"""No page of another site makes a browser act: the checks of every unsafe route, and that each is missed.

Every check is taken away from one route after another, in the guard and for that route alone. What held
before must hold no more: so no route goes around the guard, and no assertion here is an empty one.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, request

from leadintake.auth import guard
from leadintake.core.db.database import Model, db
from tests.factories import LeadFactory, NoteFactory, NotificationFactory, ScreenFactory, UserFactory
from tests.house.test_authorisation import OPEN, ROUTES
from tests.support.client import PASSWORD, Client

pytestmark = pytest.mark.no_cover  # many requests for few lines, which others count

UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}
OPEN_TO_OTHER_SITES = {
    ("POST", "/"), ("POST", "/public/leads"), ("POST", "/unsubscribe/<uuid:message_id>"),
    ("POST", "/account/<token>"), ("POST", "/thanks/<lead:reference>/<signature>/email"),
}  # fmt: skip
"""They take no session: the form from the firm's own site, a mail program, and who has a signed link."""
FORMS: dict[str, dict[str, str]] = {
    "/desk/leads/new": {"first_name": "Jane", "last_name": "Doe", "phone": "1"},
    "/desk/leads/<lead:lead_id>/decline": {"reason": "Busy."},
    "/desk/leads/<lead:lead_id>/assign": {"user_id": ""},
    "/desk/leads/<lead:lead_id>/notes": {"text": "Call on Tuesday."},
    "/desk/leads/<lead:lead_id>/notes/<uuid:note_id>": {"text": "Call on Friday."},
    "/desk/leads/<lead:lead_id>/contacts": {"channel": "phone", "outcome": "spoke"},
    "/desk/leads/<lead:lead_id>/outcome": {"outcome": "hired"},
    "/desk/leads/<lead:lead_id>/follow-up": {"quick": "tomorrow"},
    "/desk/leads/<lead:lead_id>/tags": {"tags": "asylum"},
    "/desk/leads/<lead:lead_id>/replies": {"subject": "Call", "body": "May I call?"},
    "/desk/replies/templates": {"name": "Fees", "language": "en", "subject": "Fees", "body": "None."},
    "/desk/replies/templates/<uuid:template_id>": {
        "name": "Fees",
        "language": "en",
        "subject": "Fees",
        "body": "None.",
    },
    "/desk/absences": {"first_day": "2999-01-01"},
    "/desk/people": {"name": "New", "email": "new@firm.example.com", "role": "viewer"},
    "/desk/people/<uuid:user_id>": {"role": "viewer"},
    "/desk/account/password": {"current_password": PASSWORD, "new_password": "quite different words"},
    "/desk/account/app/confirm": {"code": "123456"},
    "/desk/sign-in": {"email": "x@firm.example.com", "password": "wrong"},
    "/desk/forgotten": {"email": "x@firm.example.com"},
}
FOREIGN = (
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "https://elsewhere.example"},
    {"Origin": "null"},
    {"Referer": "https://elsewhere.example/page"},
)
NO_TOKEN, OTHER_SITE = "csrf_token", "another site"
Route = tuple[str, str]


@pytest.fixture
def settings() -> dict[str, object]:
    return {"PASSKEYS": True, "PUBLIC_URL": "http://localhost:8000"}


def unsafe_routes(app: Flask) -> set[Route]:
    """Every method and rule that may change something."""
    return {
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) & UNSAFE
    }


def endpoint_of(app: Flask, route: Route) -> str:
    method, path = route
    return next(
        r.endpoint for r in app.url_map.iter_rules() if r.rule == path and method in (r.methods or ())
    )


def guarded_routes(app: Flask) -> list[Route]:
    """Those for people who are signed in."""
    routes = sorted(unsafe_routes(app) - OPEN_TO_OTHER_SITES)
    marks = {route: app.view_functions[endpoint_of(app, route)].permission for route in routes}
    return [route for route in routes if marks[route] is not None]


@dataclass
class Visit:
    """A request that an administrator may make on what there is, without what keeps other pages out."""

    app: Flask
    client: Client
    route: Route
    path: str
    body: Any

    def send(self, headers: dict[str, str] | None = None, field: str | None = None) -> Any:
        """Send it; `field` is the token in the form of a page."""
        self.client.csrf_token, token = None, self.client.csrf_token
        try:
            if self.path.startswith("/desk"):
                form = {**(self.body or {}), **({} if field is None else {"csrf_token": field})}
                return self.client.post(self.path, data=form, headers=headers)
            return self.client.open(self.path, method=self.route[0], json=self.body, headers=headers)
        finally:
            self.client.csrf_token = token


class Visits:
    """A fresh administrator before something fresh, for every route: made once, and put back as it was."""

    def __init__(self, app: Flask, browser: Callable[[], Client], given: Callable[..., Any]) -> None:
        self.app = app
        self.file = Path(app.config["DATABASE_URL"].removeprefix("sqlite:///"))
        admin, colleague = given(UserFactory, "admin"), given(UserFactory)
        lead = given(LeadFactory, assigned_to=admin)
        given(ScreenFactory, lead_id=lead.id, user=colleague)
        message = given(NotificationFactory, "failed", lead_id=lead.id)
        note = given(NoteFactory, lead_id=lead.id, author=admin)
        self.ids = {"lead_id": lead.id, "user_id": colleague.id, "notification_id": message.id}
        self.ids["note_id"] = note.id
        self.client = browser().sign_in(admin)
        self.cookies = dict(self.client._cookies)
        self._close()
        self.database = self.file.read_bytes()

    def to(self, route: Route) -> Visit:
        """Put everything back, and come to this route."""
        self._close()
        self.file.write_bytes(self.database)
        self.client._cookies = dict(self.cookies)
        _, rule = route
        path = re.sub(r"<(?:uuid|lead):(\w+)>", lambda found: str(self.ids.get(found[1], uuid.uuid4())), rule)
        body = FORMS.get(rule)
        if rule.startswith("/internal"):
            body = ROUTES[route].body if route in ROUTES else OPEN[route][1]
            if body and body.get("user_id") in ("theirs", "somebody"):
                body = {**body, "user_id": str(self.ids["user_id"])}
        return Visit(self.app, self.client, route, path, body)

    def _close(self) -> None:
        """The last to close a SQLite file leaves no log beside it."""
        with self.app.app_context():
            db.engine.dispose()
        assert not self.file.with_name(f"{self.file.name}-wal").exists()


@pytest.fixture
def other(browser, given) -> str:
    """The token of another session."""
    return browser().sign_in(given(UserFactory, "admin")).csrf_token


@pytest.fixture
def visits(app, browser, given, other) -> Visits:
    return Visits(app, browser, given)


def everything(app: Flask) -> str:
    """All there is in the database, but for when a session was seen last."""
    with app.app_context():
        tables = [table for table in Model.metadata.sorted_tables if table.name != "sessions"]
        found = [str([*db.session.execute(db.select(table).order_by(table.c.id))]) for table in tables]
        db.session.rollback()
    return "\n".join(found)


def are_refused(one: Visit, words: str, *all_sent: dict[str, Any]) -> bool:
    """Whether each is 403 for this very reason, and all change nothing and end no session."""
    before = everything(one.app)
    answers = [one.send(**sent) for sent in all_sent]
    refused = all(answer.status_code == 403 and words in answer.text for answer in answers)
    signed_in = one.client.get("/internal/session").status_code == 200
    return refused and signed_in and everything(one.app) == before


def without_token(one: Visit, other: str) -> Iterator[dict[str, Any]]:
    """What a page of another site can send: no token, a wrong one, one of a session of its own."""
    yield {}
    for token in ("", "forged", other):
        yield {"headers": {"X-CSRFToken": token}}
        yield {"headers": {"X-CSRF-Token": token}}
        if one.path.startswith("/desk"):
            yield {"field": token}


def asks_for_the_token(one: Visit, other: str) -> bool:
    return are_refused(one, NO_TOKEN, *without_token(one, other))


def refuses_other_sites(one: Visit) -> bool:
    """Whatever token comes along."""
    token = {"X-CSRFToken": one.client.csrf_token or ""}
    return are_refused(one, OTHER_SITE, *({"headers": {**token, **foreign}} for foreign in FOREIGN))


class OfAllButOne:
    """A check of the guard, without effect at one endpoint."""

    def __init__(self, check: Callable[[], None]) -> None:
        self.check, self.exempt = check, ""

    def __call__(self) -> None:
        if request.endpoint != self.exempt:
            self.check()


@pytest.fixture
def token_check(monkeypatch) -> OfAllButOne:
    check = OfAllButOne(guard.csrf.protect)
    monkeypatch.setattr(guard.csrf, "protect", check)
    return check


@pytest.fixture
def site_check(monkeypatch) -> OfAllButOne:
    check = OfAllButOne(guard._refuse_foreign_pages)
    monkeypatch.setattr(guard, "_refuse_foreign_pages", check)
    return check


def test_every_unsafe_route_is_guarded_or_known_to_be_open(app):
    assert unsafe_routes(app) >= OPEN_TO_OTHER_SITES
    others = unsafe_routes(app) - OPEN_TO_OTHER_SITES
    assert {path.split("/")[1] for _, path in others} == {"internal", "desk"}
    doors = others - set(guarded_routes(app))
    desk = {("POST", "/desk/sign-in"), ("POST", "/desk/forgotten")}
    assert doors == {route for route in OPEN if route[0] != "GET"} | desk
    assert set(FORMS) <= {path for _, path in others}


def test_every_route_asks_for_the_token_of_the_session_and_would_be_missed(app, visits, other, token_check):
    for route in guarded_routes(app):
        one = visits.to(route)
        token_check.exempt = ""
        assert asks_for_the_token(one, other), route
        token_check.exempt = endpoint_of(app, route)
        assert not are_refused(one, NO_TOKEN, {}), f"without its check nobody would notice: {route}"


def test_every_route_refuses_pages_of_other_sites_and_would_be_missed(app, visits, site_check):
    for route in sorted(unsafe_routes(app) - OPEN_TO_OTHER_SITES):
        one = visits.to(route)
        site_check.exempt = ""
        assert refuses_other_sites(one), route
        site_check.exempt = endpoint_of(app, route)
        assert not refuses_other_sites(one), f"without its check nobody would notice: {route}"


def test_the_token_is_taken_under_its_other_name_and_from_the_field_of_a_form(app, visits):
    for route in guarded_routes(app):
        one = visits.to(route)  # that X-CSRFToken does, every other test shows
        token = one.client.csrf_token
        in_a_form = route[1].startswith("/desk")
        answer = one.send(field=token) if in_a_form else one.send(headers={"X-CSRF-Token": token})
        assert answer.status_code != 403 or NO_TOKEN not in answer.text, route
        assert answer.status_code < 500, route
