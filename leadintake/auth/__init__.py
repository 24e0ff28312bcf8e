"""Floor 2: authentication and authorization."""

from __future__ import annotations

import uuid

from flask import Flask, Request, g
from flask_login import LoginManager

from leadintake.auth.guard import csrf
from leadintake.auth.mfa import policy
from leadintake.auth.models import User
from leadintake.auth.people.cli import group as users_group
from leadintake.auth.people.forgotten import forgotten
from leadintake.auth.service import auth
from leadintake.auth.sessions.interface import DatabaseSessions
from leadintake.auth.tokens.cli import group as tokens_group
from leadintake.auth.tokens.service import tokens as api_tokens
from leadintake.core import checks, chores
from leadintake.core.http import request_log


class SessionsOnly(LoginManager):  # type: ignore[misc] # Flask-Login has no types
    """Flask-Login without remember-me, whose cookie is trusted for its signature alone."""

    def _load_user_from_remember_cookie(self, _cookie: str) -> None:
        return None


login = SessionsOnly()
login.session_protection = None  # it binds sessions to a client address, which a header can forge


def init_app(app: Flask) -> None:
    """Register sessions, guard, checks, chores and commands."""
    secure = app.config["ENVIRONMENT"] == "production"
    app.config["SESSION_COOKIE_NAME"] = "__Host-leadintake" if secure else "leadintake"
    app.config["WTF_CSRF_CHECK_DEFAULT"] = False  # checked by the guard instead
    app.config["WTF_CSRF_TIME_LIMIT"] = None  # valid as long as its session
    app.config["WTF_CSRF_SSL_STRICT"] = False  # the guard checks Sec-Fetch-Site and Origin instead
    app.session_interface = DatabaseSessions()
    csrf.init_app(app)
    login.init_app(app, add_context_processor=False)  # error pages must not query the database
    chores.register(app, "policy", policy.note_change)
    checks.register(app, "second factor", policy.check_second_factors, needed=False)
    chores.on_worker_tick(app, forgotten.answer, probe=forgotten.probe())
    app.cli.add_command(users_group)
    app.cli.add_command(tokens_group)


@login.user_loader  # type: ignore[untyped-decorator] # Flask-Login has no types
def _load(user_id: str) -> User | None:
    user = auth.get(uuid.UUID(user_id))
    if user is None or not user.active:
        return None
    request_log.name_user(user.id)
    return user


@login.request_loader  # type: ignore[untyped-decorator] # Flask-Login has no types
def _load_by_token(request: Request) -> User | None:
    match = api_tokens.authenticate(request.headers.get("Authorization", ""))
    if match is None:
        return None
    g.api_token, user = match
    request_log.name_user(user.id)
    return user
