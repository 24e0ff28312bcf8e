"""What the audit trail and the log say of people coming in, going out, and being refused."""

from __future__ import annotations

import json

import pytest

from leadintake.audit.models import AuditEntry
from leadintake.auth.mfa import policy
from leadintake.core import chores
from tests.factories import UserFactory
from tests.support.client import PASSWORD

SESSION = "/internal/session"


@pytest.fixture
def amara(given):
    return given(UserFactory, email="amara@firm.example.com")


def entries(rows) -> list[AuditEntry]:
    return sorted(rows(AuditEntry), key=lambda entry: entry.number)


def test_signing_in_and_out_and_failing_are_on_record(browser, amara, rows):
    client = browser()
    attempts = [
        (amara.email, "wrong"),
        ("nobody@firm.example.com", "wrong"),
        ("NOBODY@firm.example.com", "x"),
    ]
    for email, password in attempts:
        place = {"REMOTE_ADDR": "192.0.2.7"}
        client.post(SESSION, json={"email": email, "password": password}, environ_base=place)
    client.sign_in(amara).delete(SESSION)
    known, unknown, again, came, went = entries(rows)
    assert [one.action for one in (known, unknown, came, went)] == [
        "sign_in.refused", "sign_in.refused", "signed_in", "signed_out",
    ]  # fmt: skip
    assert (known.actor_kind, known.subject_id, known.origin) == ("anybody", amara.id, "192.0.2.7")
    assert unknown.subject_id is None
    assert json.loads(unknown.detail) == json.loads(again.detail) != json.loads(known.detail)
    assert json.loads(came.detail) == {"how": "password", "second_factor": False}
    assert came.actor_id == went.actor_id == amara.id
    assert not any(amara.email in one.detail for one in (known, unknown, came))


def test_a_refused_right_is_on_record_and_in_the_log(client, given, rows, capfd):
    vera = given(UserFactory, "viewer")
    client.sign_in(vera)
    assert client.get("/internal/audit").status_code == 403
    last = entries(rows)[-1]
    assert (last.action, last.actor_id) == ("access.refused", vera.id)
    assert json.loads(last.detail) == {"endpoint": "internal.audit.read"}
    assert "refused" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [(SESSION, {}, 401), (SESSION, {"X-CSRFToken": "forged"}, 403)],
)
def test_every_attempt_to_get_around_is_a_log_line(client, browser, amara, capfd, path, headers, status):
    client = client.sign_in(amara) if status == 403 else browser()
    capfd.readouterr()
    assert client.delete(path, headers=headers).status_code == status
    line = next(line for line in capfd.readouterr().err.splitlines() if "refused" in line)
    assert f"status={status}" in line
    assert "request_id=" in line


def test_a_log_line_cannot_be_forged_by_what_somebody_sends(client, capfd):
    forged = "x\n2026-01-01T00:00:00Z [error] forged"
    client.post(SESSION, json={"email": forged, "password": forged}, headers={"X-Request-Id": "a b"})
    client.get(f"/internal/leads?q={forged}")
    assert not [line for line in capfd.readouterr().err.splitlines() if line.startswith("2026-01-01")]


def test_changes_of_people_say_from_what_to_what(app, rows, given):
    bruno = given(UserFactory, email="bruno@firm.example.com")
    for command in (
        ["set-role", bruno.email, "manager"],
        ["deactivate", bruno.email],
        ["activate", bruno.email],
    ):
        result = app.test_cli_runner().invoke(args=["users", *command])
        assert result.exit_code == 0, result.output
    role, out, back = entries(rows)
    assert json.loads(role.detail) == {"before": "attorney", "after": "manager"}
    assert [role.action, out.action, back.action] == [
        "user.role_changed", "user.deactivated", "user.activated",
    ]  # fmt: skip
    assert {one.actor_kind for one in (role, out, back)} == {"operator"}


def test_a_change_of_the_rules_is_on_record_once(app, rows):
    def note() -> int:
        chores.run_due(app, lambda: False, {})
        return len([one for one in rows(AuditEntry) if one.action == policy.ACTION])

    assert [note(), note()] == [1, 1]
    app.config["ATTORNEY_VISIBILITY"] = "own"
    assert [note(), note()] == [2, 2]
    assert json.loads(entries(rows)[-1].detail)["visibility"] == "own"


def test_a_session_of_a_token_says_which(app, client, given, rows):
    max_ = given(UserFactory, "manager")
    token = app.test_cli_runner().invoke(
        args=["tokens", "add", max_.email, "--name", "X", "--scope", "read_leads"]
    )
    client.get("/internal/leads", headers={"Authorization": f"Bearer {token.stdout.strip()}"})
    added, listed = entries(rows)
    assert added.action == "token.added"
    assert listed.via == f"token:{json.loads(added.detail)['token']}"
    assert listed.actor_id == max_.id


def test_a_new_password_leaves_no_trace_of_itself(client, amara, rows):
    client.sign_in(amara)
    client.put("/internal/password", json={"current_password": PASSWORD, "new_password": "quite other words"})
    last = entries(rows)[-1]
    assert (last.action, json.loads(last.detail)) == ("password.changed", {"how": "session"})
