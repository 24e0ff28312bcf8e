"""What create_app promises, and that the documentation tells all there is."""

from __future__ import annotations

import re
import socket
import threading
from dataclasses import fields
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask.cli import AppGroup

from leadintake import create_app
from leadintake.config.settings import Settings

ROOT = Path(__file__).parents[2]
DOCS = "\n".join(path.read_text() for path in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])


def test_create_app_runs_no_sql_opens_no_socket_and_starts_no_thread(tmp_path, monkeypatch):
    def refuse(*_arguments, **_options):
        raise AssertionError("create_app must not do this")

    monkeypatch.setattr(sa.engine.Engine, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    create_app(INSTANCE_PATH=str(tmp_path), DATABASE_URL="postgresql://nobody@127.0.0.1:1/nothing")


def test_create_app_can_be_called_twice(tmp_path):
    first, second = (create_app(INSTANCE_PATH=str(tmp_path)) for _ in range(2))
    assert first is not second
    assert sorted(map(str, first.url_map.iter_rules())) == sorted(map(str, second.url_map.iter_rules()))
    assert first.secret_key == second.secret_key


def test_flasks_own_settings_may_be_overridden_too(tmp_path):
    app = create_app(INSTANCE_PATH=str(tmp_path), TESTING=True, MAX_UPLOAD_BYTES="2048")
    assert app.testing
    assert app.config["MAX_UPLOAD_BYTES"] == 2048


def test_every_view_says_who_may_enter(app):
    unmarked = [
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if not hasattr(app.view_functions[rule.endpoint], "permission") and rule.endpoint != "site.static"
    ]
    assert unmarked == []


def test_every_internal_view_but_the_sign_in_needs_a_permission(app):
    opened = [
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/internal") and app.view_functions[rule.endpoint].permission is None
    ]
    assert set(opened) == {
        "internal.session.sign_in",
        "internal.account.forgot_password",
        "internal.account.choose_password",
        "internal.passkeys.begin_sign_in",
        "internal.passkeys.sign_in",
        "internal.sso.begin",
        "internal.sso.come_back",
    }


def test_every_setting_is_in_the_documentation():
    names = [field.name for field in fields(Settings)]
    assert [name for name in names if not re.search(rf"`(LEADINTAKE_)?{name}`", DOCS)] == []


def test_every_route_is_in_the_documentation(app):
    routes = {re.sub(r"<(?:\w+:)?\w+>", "{id}", rule.rule) for rule in app.url_map.iter_rules()}
    missing = {
        route
        for route in routes - {"/", "/static/{id}"}
        if f"{route}`" not in DOCS and f"{route} " not in DOCS
    }
    assert missing == set()


def test_every_command_is_in_the_documentation(app):
    ours = {
        "assignment",
        "audit",
        "demo",
        "doctor",
        "leads",
        "outbox",
        "storage",
        "tokens",
        "users",
        "worker",
    }
    commands = set()
    for name in ours:
        command = app.cli.commands[name]
        commands |= (
            {f"flask {name} {sub}" for sub in command.commands}
            if isinstance(command, AppGroup)
            else {f"flask {name}"}
        )
    assert {command for command in commands if command not in DOCS} == set()


@pytest.mark.parametrize("path", ["/nothing", "/public/nothing", "/internal/nothing", "/internal/session"])
def test_every_error_has_the_one_shape(client, path):
    answer = client.get(path)
    assert answer.content_type == "application/problem+json"
    assert list(answer.json) == ["type", "title", "status", "detail", "instance", "request_id"]
    assert answer.json["status"] == answer.status_code
    assert answer.json["instance"] == path
    assert answer.json["request_id"] == answer.headers["X-Request-Id"]
