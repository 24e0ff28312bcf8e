"""Who may enter which route: every route times every kind of caller. A new route without a row fails."""

from __future__ import annotations

import functools
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from leadintake import create_app
from leadintake.audit.models import AuditEntry
from leadintake.auth.permissions import GRANTS, Permission, Role
from leadintake.core.db.database import db
from leadintake.core.http.access import SIGNED_IN
from tests.factories import LeadFactory, NotificationFactory, ReplyTemplateFactory, ScreenFactory, UserFactory
from tests.support.client import PASSWORD, Client
from tests.support.engines import fresh_copy
from tests.support.rows import make, read

pytestmark = pytest.mark.no_cover  # many requests for few lines, which others count

SETTINGS = {"PASSKEYS": True, "PUBLIC_URL": "http://localhost:8000"}
ROLES = ("viewer", "attorney", "manager", "admin")
CALLERS = ("nobody", *ROLES, "deactivated", "barred", "token", "token without scope")
LEAD, SCREEN, MESSAGE = "<lead:lead_id>", "<uuid:user_id>", "<uuid:notification_id>"
LEADS, USERS = f"/internal/leads/{LEAD}", f"/internal/users/{SCREEN}"
TEMPLATE = "/internal/reply-templates/<uuid:template_id>"
NEW_USER = {"email": "new@firm.example.com", "name": "New", "role": "viewer"}
NEW_LEAD = {"first_name": "Jane", "last_name": "Doe", "phone": "1"}
NEW_PASSWORD = {"current_password": PASSWORD, "new_password": "quite different words"}


@dataclass(frozen=True)
class Row:
    """A route: the lowest role it lets in, how it answers those it lets in, and what they send.

    `recorded`: what the audit trail says of it; None where nothing is worth an entry.
    """

    lowest: str
    answer: int = 200
    body: Any = None
    recorded: str | None = None
    traits: tuple[str, ...] = field(default=())

    @property
    def roles(self) -> tuple[str, ...]:
        return ROLES[ROLES.index(self.lowest) :]


# What the service says of one lead or user is tested with the room; this is who passes the guard.
ROUTES = {
    ("GET", "/internal/session"): Row("viewer"),
    ("DELETE", "/internal/session"): Row("viewer", 204, recorded="signed_out"),
    ("GET", "/internal/sessions"): Row("viewer"),
    ("DELETE", "/internal/sessions"): Row("viewer", 204, recorded="signed_out_everywhere"),
    ("DELETE", "/internal/sessions/<uuid:session_id>"): Row("viewer", 404),
    ("PUT", "/internal/password"): Row("viewer", body=NEW_PASSWORD, recorded="password.changed"),
    ("GET", "/internal/second-factor"): Row("viewer"),
    ("POST", "/internal/second-factor/app"): Row("viewer", 201),
    ("PUT", "/internal/second-factor/app"): Row("viewer", 409, {"code": "123456"}),
    ("DELETE", "/internal/second-factor/app"): Row("viewer", 204, recorded="second_factor.removed"),
    ("POST", "/internal/second-factor/recovery-codes"): Row("viewer", 409),
    ("GET", "/internal/passkeys"): Row("viewer"),
    ("POST", "/internal/passkeys/options"): Row("viewer"),
    ("POST", "/internal/passkeys"): Row("viewer", 422, {"name": "Desk", "credential": {}}),
    ("DELETE", "/internal/passkeys/<uuid:passkey_id>"): Row("viewer", 404),
    ("GET", "/internal/leads"): Row("viewer", recorded="leads.listed"),
    ("POST", "/internal/leads"): Row("attorney", 201, NEW_LEAD, recorded="lead.entered"),
    ("POST", "/internal/leads/bulk"): Row("attorney", 200, {"act": "delete", "ids": ["x"]}),
    ("GET", "/internal/leads.csv"): Row("viewer", recorded="leads.exported"),
    ("GET", LEADS): Row("viewer", recorded="lead.read"),
    ("PATCH", LEADS): Row("attorney", body={"status": "REACHED_OUT"}, recorded="lead.reached_out"),
    ("DELETE", LEADS): Row("manager", 204, recorded="lead.deleted"),
    ("POST", f"{LEADS}/decline"): Row("attorney", 204, {"reason": "Busy."}, recorded="lead.declined"),
    ("POST", f"{LEADS}/restore"): Row("manager", recorded="lead.restored", traits=("deleted",)),
    ("PUT", f"{LEADS}/assignee"): Row("attorney", body={"user_id": "theirs"}, recorded="lead.read"),
    ("PUT", f"{LEADS}/outcome"): Row("attorney", body={"outcome": "hired"}, recorded="lead.outcome_set"),
    ("PUT", f"{LEADS}/follow_up"): Row("attorney", body={"at": None}, recorded="lead.read"),
    ("PUT", f"{LEADS}/tags"): Row("attorney", body={"tags": ["asylum"]}, recorded="lead.tagged"),
    ("GET", "/internal/tags"): Row("viewer"),
    ("GET", f"{LEADS}/resume"): Row("viewer", recorded="lead.downloaded"),
    ("GET", f"{LEADS}/history"): Row("viewer", recorded="lead.read"),
    ("GET", f"{LEADS}/notifications"): Row("viewer", recorded="lead.read"),
    ("GET", f"{LEADS}/notes"): Row("viewer", recorded="lead.read"),
    ("POST", f"{LEADS}/notes"): Row("attorney", 201, {"text": "Call on Tuesday."}, recorded="lead.noted"),
    ("PATCH", f"{LEADS}/notes/<uuid:note_id>"): Row("attorney", 404, {"text": "Call on Friday."}),
    ("DELETE", f"{LEADS}/notes/<uuid:note_id>"): Row("attorney", 404),
    ("GET", f"{LEADS}/contacts"): Row("viewer", recorded="lead.read"),
    ("POST", f"{LEADS}/contacts"): Row(
        "attorney", 201, {"channel": "phone", "outcome": "spoke"}, "lead.contacted", traits=("reached_out",)
    ),
    ("GET", f"{LEADS}/proof"): Row("attorney", recorded="lead.read"),
    ("GET", f"{LEADS}/screens"): Row("manager", recorded="lead.screens_read"),
    ("POST", f"{LEADS}/screens"): Row(
        "manager", 201, {"user_id": "somebody", "notice": "Their sister."}, recorded="lead.screened"
    ),
    ("DELETE", f"{LEADS}/screens/{SCREEN}"): Row("manager", 204, recorded="lead.screen_lifted"),
    ("GET", f"{LEADS}/replies"): Row("viewer", recorded="lead.read"),
    ("POST", f"{LEADS}/replies"): Row(
        "attorney",
        201,
        {"subject": "Call", "body": "May I call?"},
        recorded="lead.replied",
        traits=("reached_out",),
    ),
    ("DELETE", f"{LEADS}/replies/<uuid:reply_id>"): Row("attorney", 404),
    ("GET", "/internal/reply-templates"): Row("viewer"),
    ("POST", "/internal/reply-templates"): Row(
        "manager",
        201,
        {"name": "Fees", "language": "en", "subject": "Fees", "body": "None."},
        recorded="reply_template.created",
    ),
    ("GET", TEMPLATE): Row("viewer"),
    ("PATCH", TEMPLATE): Row("manager", body={"name": "Other"}, recorded="reply_template.changed"),
    ("DELETE", TEMPLATE): Row("manager", 204, recorded="reply_template.deleted"),
    ("GET", "/internal/quarantine"): Row("manager", recorded="leads.quarantine_listed"),
    ("POST", f"/internal/quarantine/{LEAD}/release"): Row("manager", 409),
    ("POST", f"/internal/quarantine/{LEAD}/discard"): Row("manager", 409),
    ("GET", "/internal/absences"): Row("attorney"),
    ("POST", "/internal/absences"): Row("attorney", 201, {"first_day": "2999-01-01"}, recorded="absence.set"),
    ("DELETE", "/internal/absences/<uuid:absence_id>"): Row("attorney", 404),
    ("GET", "/internal/assignment/report"): Row("manager", recorded="leads.reported"),
    ("GET", "/internal/notifications"): Row("manager"),
    ("POST", f"/internal/notifications/{MESSAGE}/retry"): Row("manager", recorded="message.retried"),
    ("GET", "/internal/users"): Row("manager"),
    ("POST", "/internal/users"): Row("admin", 201, NEW_USER, recorded="user.invited"),
    ("GET", USERS): Row("manager"),
    ("PATCH", USERS): Row("admin", body={"role": "viewer"}, recorded="user.role_changed"),
    ("DELETE", USERS): Row("admin", 204, recorded="user.deactivated"),
    ("POST", f"{USERS}/invitation"): Row("admin", 409),
    ("DELETE", f"{USERS}/sessions"): Row("admin", 204, recorded="user.signed_out"),
    ("DELETE", f"{USERS}/second-factor"): Row("admin", 204, recorded="second_factor.removed"),
    ("GET", "/internal/audit"): Row("admin", recorded="audit.read"),
    ("GET", "/internal/audit.csv"): Row("admin", recorded="audit.exported"),
}
OPEN = {
    # How the doors answer those who bring nothing: whoever they are.
    ("POST", "/internal/session"): (401, {"email": "x@firm.example.com", "password": "wrong"}),
    ("POST", "/internal/session/passkey"): (422, {"credential": {}}),
    ("POST", "/internal/session/passkey/options"): (200, None),
    ("GET", "/internal/session/sso"): (404, None),
    ("GET", "/internal/session/sso/callback"): (404, None),
    ("POST", "/internal/password/forgotten"): (202, {"email": "x@firm.example.com"}),
    ("POST", "/internal/password/chosen"): (404, {"token": "x", "password": "quite different words"}),
}
PUBLIC = {
    "/", "/logo", "/embed.js", "/thanks/<lead:reference>", "/thanks/<lead:reference>/<signature>",
    "/thanks/<lead:reference>/<signature>/email", "/unsubscribe/<uuid:message_id>", "/public/leads",
    "/public/challenge", "/account/<token>", "/healthz", "/readyz", "/metrics", "/openapi.json", "/docs",
    "/favicon.ico", "/manifest.webmanifest", "/.well-known/change-password", "/.well-known/security.txt",
}  # fmt: skip


@pytest.fixture
def settings() -> dict[str, object]:
    return SETTINGS


def rules(app) -> set[tuple[str, str]]:
    return {
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/internal")
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }


def permission_of(app, method: str, rule: str) -> str:
    found = next(one for one in app.url_map.iter_rules() if one.rule == rule and method in one.methods)
    return app.view_functions[found.endpoint].permission


def test_the_matrix_has_a_row_for_every_internal_route_and_no_other(app):
    assert rules(app) == set(ROUTES) | set(OPEN)


def test_the_matrix_and_the_table_of_permissions_say_the_same(app):
    for (method, rule), row in ROUTES.items():
        permission = permission_of(app, method, rule)
        granted = [role for role in ROLES if permission == SIGNED_IN or permission in GRANTS[Role(role)]]
        assert tuple(granted) == row.roles, (method, rule)


class Stage:
    """An application whose database is put back as it was: each world is made once, not for every route."""

    def __init__(self, template: str, folder: Path) -> None:
        self.url = fresh_copy(template, folder)
        self.file = Path(self.url.removeprefix("sqlite:///"))
        self.app = create_app(
            INSTANCE_PATH=str(folder / "instance"), DATABASE_URL=self.url, WORKER="external", TESTING=True,
            RATE_LIMIT_SUBMISSIONS="", RATE_LIMIT_LOGINS="", **SETTINGS,
        )  # fmt: skip
        self.app.test_client_class = Client
        self.empty = self._database()
        self.worlds: dict[tuple, tuple[World, bytes, dict]] = {}

    def world(self, kind: str, row: Row, permission: str) -> World:
        """The world of this caller, as it was when it was made."""
        key = (kind, row.traits, permission if kind == "token without scope" else "")
        if key not in self.worlds:
            self._put_back(self.empty)
            world = World(self.app, kind, row, permission)
            self.worlds[key] = world, self._database(), dict(world.client._cookies)
        world, database, cookies = self.worlds[key]
        self._put_back(database)
        world.client._cookies = dict(cookies)
        return world

    def _database(self) -> bytes:
        self._close()
        return self.file.read_bytes()

    def _put_back(self, database: bytes) -> None:
        self._close()
        self.file.write_bytes(database)

    def _close(self) -> None:
        """The last to close a SQLite file leaves no log beside it."""
        with self.app.app_context():
            db.engine.dispose()
        assert not self.file.with_name(self.file.name + "-wal").exists()


@pytest.fixture(scope="module")
def stage(template, tmp_path_factory):
    stage = Stage(template, tmp_path_factory.mktemp("worlds"))
    yield stage
    stage._close()


class World:
    """A lead, a message about it, a colleague, and somebody who calls."""

    def __init__(self, app, kind: str, row: Row, permission: str) -> None:
        given = functools.partial(make, app)
        self.client, self.headers, self.user = app.test_client(), {}, None
        token = kind.startswith("token")
        if kind != "nobody":
            role = kind if kind in ROLES else "attorney" if kind == "deactivated" else "admin"
            self.user = given(UserFactory, *([] if role == "attorney" else [role]))
        self.colleague = given(UserFactory)
        self.lead = given(LeadFactory, *row.traits, assigned_to=self.user)
        self.message = given(NotificationFactory, lead_id=self.lead.id)
        self.template = given(ReplyTemplateFactory)
        given(ScreenFactory, lead_id=self.lead.id, user=given(UserFactory))
        self.screened = given(ScreenFactory, lead_id=self.lead.id, user=self.colleague)
        if kind == "barred":
            given(ScreenFactory, lead_id=self.lead.id, user=self.user)
        if self.user and not token:
            self.client.sign_in(self.user)
        if token:
            every = set(Permission)
            scopes = every if kind == "token" else every - {permission}
            self.headers = {"Authorization": f"Bearer {self._token(scopes)}"}
        if kind == "deactivated":
            self._run("users", "deactivate", self.user.email)

    def _token(self, scopes) -> str:
        options = [part for scope in sorted(scopes) for part in ("--scope", scope.value)]
        return self._run("tokens", "add", self.user.email, "--name", "Test", *options).stdout.strip()

    def _run(self, *arguments: str):
        done = self.client.application.test_cli_runner().invoke(args=[*arguments])
        assert done.exit_code == 0, done.output
        return done

    def call(self, method: str, rule: str, body: Any):
        """Call the route on what there is."""
        path = rule.replace(LEAD, str(self.lead.id)).replace(MESSAGE, str(self.message.id))
        path = path.replace(SCREEN, str(self.colleague.id))
        path = path.replace("<uuid:template_id>", str(self.template.id))
        of_nothing = ("<uuid:session_id>", "<uuid:passkey_id>", "<uuid:absence_id>", "<uuid:note_id>")
        for nothing in (*of_nothing, "<uuid:reply_id>"):
            path = path.replace(nothing, str(uuid.uuid4()))
        if body and body.get("user_id") == "theirs":
            body = {"user_id": str(self.user.id) if self.user else None}
        elif body and body.get("user_id") == "somebody":
            body = {**body, "user_id": str(self.colleague.id)}
        return self.client.open(path, method=method, json=body, headers=self.headers)


def expected(kind: str, row: Row, rule: str, permission: str) -> int:
    if kind in ("nobody", "deactivated"):
        return 401
    if kind in ("token", "token without scope") and (permission == SIGNED_IN or "without" in kind):
        return 403
    if kind == "barred" and (LEAD in rule or MESSAGE in rule):
        return 404
    return row.answer if kind not in ROLES or kind in row.roles else 403


@pytest.mark.parametrize("kind", CALLERS)
def test_a_route_lets_in_exactly_whom_the_table_names(stage, kind):
    offenders = []
    for (method, rule), row in ROUTES.items():
        permission = permission_of(stage.app, method, rule)
        answer = stage.world(kind, row, permission).call(method, rule, row.body)
        if answer.status_code != expected(kind, row, rule, permission):
            offenders.append((method, rule, answer.status_code, answer.text))
    assert offenders == []


def wrong_entries(stage: Stage, method: str, rule: str, row: Row) -> list[AuditEntry | None]:
    """The entries of one request by an administrator, where they are not what the table says."""
    world = stage.world("admin", row, permission_of(stage.app, method, rule))
    before = len(read(stage.app, AuditEntry))
    world.call(method, rule, row.body)
    entries = read(stage.app, AuditEntry)[before:]
    right = [entry.action for entry in entries] == ([row.recorded] if row.recorded else [])
    for entry in entries:
        right &= (entry.actor_kind, entry.actor_id) == ("user", world.user.id)
        right &= entry.via.startswith("session:")
        if LEAD in rule:
            right &= (entry.subject_kind, entry.subject_id) == ("lead", world.lead.id)
    return [] if right else entries or [None]


def test_what_was_done_is_on_record_with_who_did_it(stage):
    wrong = {route: wrong_entries(stage, *route, row) for route, row in ROUTES.items()}
    assert {route: entries for route, entries in wrong.items() if entries} == {}


@pytest.mark.parametrize("kind", CALLERS)
def test_a_door_answers_everybody_alike(stage, kind):
    offenders = []
    for (method, rule), (answer, body) in OPEN.items():
        told = stage.world(kind, Row("viewer"), SIGNED_IN).call(method, rule, body)
        if told.status_code != answer:
            offenders.append((method, rule, told.status_code, told.text))
    assert offenders == []


def test_public_and_operations_routes_ask_nobody_who_they_are(app):
    open_views = {
        rule.rule
        for rule in app.url_map.iter_rules()
        if not rule.rule.startswith(("/internal", "/desk")) and rule.endpoint != "site.static"
    }
    assert open_views == PUBLIC
