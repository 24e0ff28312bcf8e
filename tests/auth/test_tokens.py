"""API tokens: a program acts as its user, within its scopes, until it is stopped."""

from __future__ import annotations

import json

import pytest
import time_machine
from sqlalchemy.engine import Engine
from sqlalchemy.exc import OperationalError

from leadintake.audit.models import AuditEntry
from leadintake.auth.models import ApiToken
from leadintake.core import chores
from leadintake.notifications.models import Notification
from tests.factories import LeadFactory, UserFactory
from tests.support.links import link_in

LEADS = "/internal/leads"


@pytest.fixture
def run(app):
    def invoke(*arguments: str):
        return app.test_cli_runner().invoke(args=["tokens", *arguments])

    return invoke


@pytest.fixture
def max_(given):
    return given(UserFactory, "manager", email="max@firm.example.com")


def add(run, *scopes: str, email="max@firm.example.com", days="90") -> str:
    options = [part for scope in scopes for part in ("--scope", scope)]
    result = run("add", email, "--name", "Case system", "--days", days, *options)
    assert result.exit_code == 0, result.output
    return result.stdout.strip()


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


PUT_OUT = {
    "by an admin": ("DELETE", "/internal/users/{id}", None),
    "by a change": ("PATCH", "/internal/users/{id}", {"active": False}),
    "at the desk": ("POST", "/desk/people/{id}", "active=false"),
    "at the machine": None,
}


def put_out(app, admin, user, way: str) -> None:
    """Deactivate the user."""
    if PUT_OUT[way] is None:
        assert app.test_cli_runner().invoke(args=["users", "deactivate", user.email]).exit_code == 0
        return
    method, address, body = PUT_OUT[way]
    form = {"data": body, "content_type": "application/x-www-form-urlencoded"}
    how = form if isinstance(body, str) else {"json": body}
    assert admin.open(address.format(id=user.id), method=method, **how).status_code < 400


@pytest.mark.parametrize("way", PUT_OUT)
def test_a_token_ends_with_its_user_and_does_not_come_back_with_them(
    app, run, client, browser, max_, given, rows, way
):
    admin = browser().sign_in(given(UserFactory, "admin"))
    headers, other = bearer(add(run, "read_leads")), given(UserFactory, "manager")
    add(run, "read_leads")
    theirs = bearer(add(run, "read_leads", email=other.email))
    before = len(rows(AuditEntry))
    put_out(app, admin, max_, way)
    assert client.get(LEADS, headers=headers).status_code == 401
    ended = [entry for entry in rows(AuditEntry)[before:] if entry.action == "token.revoked"]
    assert {entry.subject_id for entry in ended} == {max_.id}
    assert len(ended) == 2
    assert admin.patch(f"/internal/users/{max_.id}", json={"active": True}).json["active"]
    assert client.get(LEADS, headers=headers).status_code == 401
    assert client.get(LEADS, headers=theirs).status_code == 200
    assert client.get(LEADS, headers=bearer(add(run, "read_leads"))).status_code == 200


def test_no_token_is_made_for_somebody_who_was_put_out(app, run, max_):
    app.test_cli_runner().invoke(args=["users", "deactivate", max_.email])
    result = run("add", max_.email, "--name", "Case system", "--scope", "read_leads")
    assert result.exit_code == 1
    assert "deactivated" in result.stderr


@pytest.mark.parametrize(
    ("options", "status"), [((), 200), (("--keep-tokens",), 200), (("--end-tokens",), 401)]
)
def test_a_new_password_given_at_the_machine_ends_them_if_told_so(app, run, client, max_, options, status):
    headers = bearer(add(run, "read_leads"))
    line = ["users", "set-password", max_.email, "--password-stdin", *options]
    done = app.test_cli_runner().invoke(args=line, input="quite different words\n")
    assert done.exit_code == 0
    assert client.get(LEADS, headers=headers).status_code == status
    assert ("Case system" in done.stderr) == (status == 200)
    assert ("API token" in done.stdout) == (status == 401)


@pytest.mark.parametrize(
    ("more", "status"), [({}, 200), ({"end_tokens": False}, 200), ({"end_tokens": True}, 401)]
)
def test_a_password_chosen_by_a_program_ends_them_if_told_so(app, run, client, max_, rows, more, status):
    headers = bearer(add(run, "read_leads"))
    client.post("/internal/password/forgotten", json={"email": max_.email})
    with app.app_context():
        chores.run_worker_ticks(app)
    token = link_in(app, rows(Notification)[-1]).rpartition("/")[2]
    body = {"token": token, "password": "quite different words", **more}
    assert client.post("/internal/password/chosen", json=body).status_code == 204
    assert client.get(LEADS, headers=headers).status_code == status


@pytest.mark.every_engine
def test_a_program_reads_with_its_token_and_no_more(run, client, max_, given):
    lead = given(LeadFactory)
    headers = bearer(add(run, "read_leads"))
    assert client.get(LEADS, headers=headers).status_code == 200
    assert client.get(f"{LEADS}/{lead.id}", headers=headers).json["allowed"] == []
    assert client.delete(f"{LEADS}/{lead.id}", headers=headers).status_code == 403
    assert client.get("/internal/users", headers=headers).status_code == 403
    assert client.get("/internal/notifications", headers=headers).status_code == 403


def test_it_changes_things_without_a_csrf_token_whatever_page_it_says_it_is(run, client, max_, given):
    lead = given(LeadFactory)
    headers = bearer(add(run, "read_leads", "delete_leads"))
    elsewhere = {"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "cross-site"}
    assert client.delete(f"{LEADS}/{lead.id}", headers={**headers, **elsewhere}).status_code == 204


def test_scopes_are_bounded_by_the_role_as_it_is_now(app, run, client, max_):
    headers = bearer(add(run, "read_users"))
    assert client.get("/internal/users", headers=headers).status_code == 200
    app.test_cli_runner().invoke(args=["users", "set-role", max_.email, "attorney"])
    assert client.get("/internal/users", headers=headers).status_code == 403


@pytest.mark.parametrize("end", ["revoke", "deactivate", "expire"])
def test_a_token_that_ended_lets_nobody_in(app, run, client, max_, rows, end):
    with time_machine.travel("2026-03-01T12:00:00Z", tick=False) as clock:
        headers = bearer(add(run, "read_leads", days="1"))
        assert client.get(LEADS, headers=headers).status_code == 200
        if end == "revoke":
            assert run("revoke", str(rows(ApiToken)[0].id)).exit_code == 0
        elif end == "deactivate":
            app.test_cli_runner().invoke(args=["users", "deactivate", max_.email])
        else:
            clock.shift(24 * 3600 + 1)
        assert client.get(LEADS, headers=headers).status_code == 401


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer x",
        "bearer leadintake_",
        "Basic YTpi",
        "\u00e9",
        "Bearer \u00e9",
        "x" * 4000,
    ],
)
def test_what_is_no_token_lets_nobody_in_and_a_wrong_one_not_even_beside_a_cookie(
    client, max_, authorization
):
    shown = {"Authorization": authorization}
    assert client.get(LEADS, headers=shown).status_code == 401
    client.sign_in(max_)
    wrong = authorization.lower().startswith("bearer")
    assert client.get(LEADS, headers=shown).status_code == (401 if wrong else 200)


def test_the_token_counts_and_not_the_cookie_beside_it(run, client, given, max_):
    client.sign_in(given(UserFactory, "admin"))
    assert client.get("/internal/users", headers=bearer(add(run, "read_leads"))).status_code == 403


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/internal/session"), ("DELETE", "/internal/session"), ("DELETE", "/internal/sessions"),
     ("PUT", "/internal/password"), ("POST", "/internal/second-factor/app")],
)  # fmt: skip
def test_no_token_touches_the_account_of_its_user(run, client, max_, method, path):
    headers = bearer(add(run, "read_leads", "read_users"))
    assert client.open(path, method=method, headers=headers, json={}).status_code == 403


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("PATCH", "", {"name": "X"}), ("DELETE", "", None), ("DELETE", "/second-factor", None),
     ("DELETE", "/sessions", None)],
)  # fmt: skip
def test_no_token_manages_its_own_user(run, client, given, method, path, body):
    ada, other = given(UserFactory, "admin", "with_app"), given(UserFactory, "admin")
    headers = bearer(add(run, "manage_users", email=ada.email))
    own = client.open(f"/internal/users/{ada.id}{path}", method=method, json=body, headers=headers)
    assert own.status_code == 403
    another = client.open(f"/internal/users/{other.id}{path}", method=method, json=body, headers=headers)
    assert another.status_code in (200, 204)


@pytest.mark.parametrize("accept", ["application/json", "text/html"])
def test_a_database_that_is_away_is_503_for_programs_and_pages(app, client, monkeypatch, accept):
    def refuse(*_arguments, **_options):
        raise OperationalError("SELECT", {}, Exception("connection refused"))

    app.config["TESTING"] = False
    monkeypatch.setattr(Engine, "connect", refuse)
    assert client.get(LEADS, headers={**bearer("leadintake_x"), "Accept": accept}).status_code == 503


def test_the_database_holds_only_the_hash_and_the_list_shows_no_token(run, max_, rows):
    token = add(run, "read_leads", "read_users")
    (row,) = rows(ApiToken)
    assert token.startswith("leadintake_")
    assert token not in (row.token_hash, row.name, row.scopes)
    listed = run("list", "--format", "json").stdout
    assert token not in listed
    (shown,) = json.loads(listed)
    assert shown["user"] == "max@firm.example.com"
    assert shown["scopes"] == "read_leads read_users"
    assert shown["last_used_at"] is None


def test_use_is_noted_once_a_minute(run, client, max_, rows):
    with time_machine.travel("2026-03-01T12:00:00Z", tick=False) as clock:
        headers = bearer(add(run, "read_leads"))
        seen = []
        for _ in range(3):
            client.get(LEADS, headers=headers)
            seen.append(rows(ApiToken)[0].last_used_at.isoformat()[14:19])
            clock.shift(40)
    assert seen == ["00:00", "00:00", "01:20"]


def test_a_token_works_for_requests_that_change_something(run, client, max_, given):
    """On SQLite its use is noted beside a request that is about to write."""
    lead = given(LeadFactory)
    headers = bearer(add(run, "update_leads", "update_any_lead"))
    answer = client.patch(f"{LEADS}/{lead.id}", json={"status": "REACHED_OUT"}, headers=headers)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["add", "nobody@firm.example.com", "--name", "X", "--scope", "read_leads"], "no user"),
        (["add", "max@firm.example.com", "--name", "X", "--scope", "manage_users"], "is manager and may"),
        (["add", "max@firm.example.com", "--name", " ", "--scope", "read_leads"], "1 to 100 characters"),
        (["add", "max@firm.example.com", "--name", "X", "--scope", "read_leads", "--days", "0"], "1 to 366"),
        (["revoke", "0199a000-0000-7000-8000-000000000000"], "no token"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(run, max_, rows, arguments, words):
    result = run(*arguments)
    assert result.exit_code == 1
    assert words in result.stderr
    assert rows(ApiToken) == []


def test_an_empty_list_says_how_to_begin(run):
    assert "flask tokens add" in run("list").stdout


class TestWhereASecondFactorIsRequired:
    """A token was made at the machine: it needs no second factor."""

    @pytest.fixture
    def settings(self) -> dict[str, object]:
        return {"REQUIRE_MFA": ["manager"]}

    def test_a_token_works(self, run, client, max_):
        assert client.get(LEADS, headers=bearer(add(run, "read_leads"))).status_code == 200
