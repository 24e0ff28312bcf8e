"""flask users: who may sign in, decided at the machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from leadintake.auth.models import SignedInSession, User
from tests.factories import UserFactory
from tests.support.client import PASSWORD

GOOD = "quite different words"


@pytest.fixture
def run(app):
    def invoke(*arguments: str, typed: str | bytes | None = None):
        return app.test_cli_runner().invoke(args=["users", *arguments], input=typed)

    return invoke


def refused_in_one_line(result, *words: str, status: int = 1) -> bool:
    """Whether the command failed as a command should."""
    lines = result.stderr.strip().splitlines()
    assert result.exit_code == status, result.output
    assert isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.output
    assert result.stdout == ""
    return len(lines[-1:]) == 1 and (status == 2 or len(lines) == 1) and all(w in lines[-1] for w in words)


def add(run, email="Amara@Firm.example.com", *more: str, role="attorney", typed=f"{GOOD}\n"):
    return run("add", email, "--name", "Amara Okafor", "--role", role, "--password-stdin", *more, typed=typed)


@pytest.mark.parametrize(
    ("role", "options", "intake"),
    [
        ("attorney", [], True),
        ("attorney", ["--no-intake"], False),
        ("manager", [], False),
        ("manager", ["--intake"], True),
        ("admin", [], False),
        ("viewer", [], False),
    ],
)
def test_a_new_user_may_sign_in_and_attorneys_take_leads(run, client, rows, role, options, intake):
    result = add(run, "Amara@Firm.example.com", *options, role=role)
    assert result.exit_code == 0, result.output
    assert result.stdout == f"amara@firm.example.com may now sign in as {role}.\n"
    assert GOOD not in result.output
    (user,) = rows(User)
    assert (user.role, user.can_intake, user.active) == (role, intake, True)
    client.sign_in(user, GOOD)


def test_without_a_pipe_the_password_is_asked_for_twice_and_not_shown(run, client, rows):
    result = run("add", "a@firm.example.com", "--name", "A", "--role", "admin", typed=f"{GOOD}\n{GOOD}\n")
    assert result.exit_code == 0, result.output
    assert GOOD not in result.output
    client.sign_in(rows(User)[0], GOOD)


@pytest.mark.parametrize(
    ("email", "typed", "words"),
    [
        ("no address", GOOD, "not an e-mail address"),
        ("a@b@c", GOOD, "not an e-mail address"),
        ("amara@firm.example.com", "short", "at least 12"),
        ("amara@firm.example.com", "", "at least 12"),
        ("amara@firm.example.com", "amara is my name", "Leave your name"),
        ("amara@firm.example.com", b"\xff\xfe\xff\xfe\xff\xfe\xff\xfe\xff\xfe\xff\xfe\n", "not UTF-8"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_and_nobody_is_made(run, rows, email, typed, words):
    assert refused_in_one_line(add(run, email, typed=typed), words)
    assert rows(User) == []


@pytest.mark.parametrize("name", ["", "   ", "x" * 101])
def test_a_name_has_some_characters_and_not_too_many(run, rows, name):
    result = run(
        "add", "a@firm.example.com", "--name", name, "--role", "admin", "--password-stdin", typed=GOOD
    )
    assert refused_in_one_line(result, "1 to 100 characters")
    assert rows(User) == []


@pytest.mark.every_engine
@pytest.mark.parametrize("email", ["amara@firm.example.com", "AMARA@firm.EXAMPLE.com"])
def test_an_address_has_one_user_however_it_is_capitalised(run, rows, given, email):
    given(UserFactory, email="amara@firm.example.com")
    assert refused_in_one_line(add(run, email), "already")
    assert len(rows(User)) == 1


@pytest.mark.parametrize("arguments", [["add"], ["add", "a@b.example", "--role", "king"], ["deactivate"]])
def test_a_command_wrongly_written_leaves_with_status_2(run, arguments):
    assert refused_in_one_line(run(*arguments), "Error: ", status=2)


def test_the_list_is_a_table_for_a_person(run, given):
    given(UserFactory, "manager", email="max@firm.example.com", name="Max [bold]Manager")
    given(UserFactory, "inactive", email="gone@firm.example.com", name="\u5c71\u7530")
    output = run("list").stdout
    heading, *lines = output.splitlines()
    assert heading.split() == ["email", "name", "role", "active", "can_intake", "joined", "second_factor"]
    assert len(lines) == 2
    assert any("max@firm.example.com" in line and "Max [bold]Manager" in line for line in lines)
    assert any("\u5c71\u7530" in line and "False" in line for line in lines)


def test_the_list_is_json_for_a_program(run, given):
    given(UserFactory, email="amara@firm.example.com", name="Amara")
    assert json.loads(run("list", "--format", "json").stdout) == [
        {
            "email": "amara@firm.example.com",
            "name": "Amara",
            "role": "attorney",
            "active": True,
            "can_intake": True,
            "joined": True,
            "second_factor": False,
        }
    ]


def test_an_empty_list_says_how_to_begin_and_is_still_json(run):
    assert "flask users add" in run("list").stdout
    assert json.loads(run("list", "--format", "json").stdout) == []


def test_a_deactivated_user_is_out_and_stays_out(run, client, given, rows):
    amara = given(UserFactory, email="amara@firm.example.com")
    client.sign_in(amara)
    result = run("deactivate", "AMARA@firm.example.com")
    assert result.exit_code == 0, result.output
    assert client.get("/internal/session").status_code == 401
    again = client.post("/internal/session", json={"email": amara.email, "password": PASSWORD})
    assert again.status_code == 401
    assert rows(SignedInSession) == []


def test_the_last_active_admin_cannot_be_deactivated(run, given, rows):
    given(UserFactory, "admin", email="ada@firm.example.com")
    given(UserFactory, "admin", "inactive")
    assert refused_in_one_line(run("deactivate", "ada@firm.example.com"), "last active admin")
    assert rows(User)[0].active
    given(UserFactory, "admin")
    assert run("deactivate", "ada@firm.example.com").exit_code == 0


def test_a_new_password_ends_every_session_and_only_it_fits(run, client, given):
    amara = given(UserFactory, email="amara@firm.example.com")
    client.sign_in(amara)
    result = run("set-password", "amara@firm.example.com", "--password-stdin", typed=GOOD + "\r\n")
    assert result.exit_code == 0, result.output
    assert client.get("/internal/session").status_code == 401
    old = client.post("/internal/session", json={"email": amara.email, "password": PASSWORD})
    assert old.status_code == 401
    client.sign_in(amara, GOOD)


def test_a_weak_new_password_changes_nothing(run, client, given):
    amara = given(UserFactory, email="amara@firm.example.com")
    client.sign_in(amara)
    result = run("set-password", "amara@firm.example.com", "--password-stdin", typed="short")
    assert refused_in_one_line(result, "at least 12")
    assert client.get("/internal/session").status_code == 200


@pytest.mark.parametrize("command", [["deactivate"], ["set-password", "--password-stdin"]])
def test_an_unknown_user_is_said_so(run, command):
    result = run(*command, "nobody@firm.example.com", typed=GOOD)
    assert refused_in_one_line(result, "no user nobody@firm.example.com", "users list")


def test_a_name_that_cannot_be_shown_is_refused(run):
    result = run(
        "add", "x@firm.example.com", "--name", "A\x07B", "--role", "viewer", "--password-stdin", typed=GOOD
    )
    assert refused_in_one_line(result, "cannot be shown")


@pytest.mark.parametrize(
    "arguments",
    [
        ["users", "list"],
        ["users", "add", "x@firm.example.com", "--name", "X", "--role", "king"],
    ],
)
def test_a_real_command_fails_without_a_traceback(tmp_path, arguments):
    """On a database without tables, in a process of its own."""
    environment = {**os.environ, "LEADINTAKE_INSTANCE_PATH": str(tmp_path), "LEADINTAKE_DATABASE_URL": ""}
    done = subprocess.run(
        [sys.executable, "-m", "leadintake", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode in (1, 2)
    assert "Traceback" not in done.stderr
    assert done.stderr.strip().splitlines()[-1].startswith("Error: ")
    assert done.stdout == ""
