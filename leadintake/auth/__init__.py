"""Floor 2: who may come in, and what each may do."""

from __future__ import annotations

import uuid

from flask import Flask, Request, g
from flask_login import LoginManager
from flask_wtf.csrf import CSRFProtect

from leadintake.auth import policy
from leadintake.auth.cli import group as users_group
from leadintake.auth.cli_tokens import group as tokens_group
from leadintake.auth.forgotten import forgotten
from leadintake.auth.models import User
from leadintake.auth.service import auth
from leadintake.auth.session_interface import DatabaseSessions
from leadintake.auth.tokens import tokens
from leadintake.core import checks, chores
from leadintake.core.http import request_log


class SessionsOnly(LoginManager):  # type: ignore[misc] # Flask-Login has no types
    """Flask-Login without its remember-me: a cookie that the secret key alone vouches for lets nobody in."""

    def _load_user_from_remember_cookie(self, _cookie: str) -> None:
        return None


csrf = CSRFProtect()
login = SessionsOnly()
login.session_protection = None  # it binds a session to an address that a header can forge


def init_app(app: Flask) -> None:
    """Wire the room."""
    secure = app.config["ENVIRONMENT"] == "production"
    app.config["SESSION_COOKIE_NAME"] = "__Host-leadintake" if secure else "leadintake"
    app.config["WTF_CSRF_CHECK_DEFAULT"] = False  # the guard of the internal parent asks
    app.config["WTF_CSRF_TIME_LIMIT"] = None  # a token lives as long as its session
    app.config["WTF_CSRF_SSL_STRICT"] = False  # the guard looks at Sec-Fetch-Site and Origin instead
    app.session_interface = DatabaseSessions()
    csrf.init_app(app)
    login.init_app(app, add_context_processor=False)  # it would ask the database for an error page
    chores.register(app, "policy", policy.note_change)
    checks.register(app, "second factor", policy.check_second_factors, needed=False)
    chores.register_round(app, forgotten.answer)
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
    shown = tokens.shown_by(request.headers.get("Authorization", ""))
    if shown is None:
        return None
    g.api_token, user = shown
    request_log.name_user(user.id)
    return user
