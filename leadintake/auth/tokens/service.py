"""Verbs on API tokens of programs."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from leadintake.audit.service import audit
from leadintake.auth.actor import Actor
from leadintake.auth.models import ApiToken, User
from leadintake.auth.permissions import GRANTS, Permission
from leadintake.auth.sessions.interface import parse_bearer
from leadintake.core.clock import now
from leadintake.core.db.database import db, read_only
from leadintake.core.errors import NotFound, UnprocessableContent
from leadintake.core.text import visible_line

PREFIX = "leadintake_"
"""Recognized by secret scanners."""
USE_INTERVAL = timedelta(minutes=1)
MAX_DAYS = 366


class Tokens:
    """API tokens."""

    def add(
        self, user: User, name: str, scopes: Sequence[Permission], days: int, *, actor: Actor
    ) -> tuple[str, ApiToken]:
        """Create a token; return its text, stored nowhere, and its row. The user's role must grant `scopes`.

        Raises UnprocessableContent.
        """
        if not user.active:
            raise UnprocessableContent(
                {"email": [f"{user.email} was deactivated; what is made now would come to life later."]}
            )
        beyond = [scope for scope in scopes if scope not in GRANTS[user.role]]
        if not scopes or beyond:
            granted = ", ".join(sorted(GRANTS[user.role]))
            raise UnprocessableContent({"scope": [f"{user.email} is {user.role} and may: {granted}."]})
        label = visible_line(name, 100)
        if not label:
            raise UnprocessableContent(
                {"name": ["A name has 1 to 100 characters, and none that cannot be shown."]}
            )
        if not 1 <= days <= MAX_DAYS:
            raise UnprocessableContent({"days": [f"Choose 1 to {MAX_DAYS} days."]})
        text = PREFIX + secrets.token_urlsafe(32)
        row = ApiToken(
            user_id=user.id,
            name=label,
            token_hash=_hash(text),
            scopes=" ".join(sorted(set(scopes))),
            expires_at=now() + timedelta(days=days),
        )
        db.session.add(row)
        db.session.flush()
        audit.record(
            "token.added", actor=actor, about=("user", user.id), token=str(row.id), scopes=sorted(scopes)
        )
        return text, row

    def all(self) -> Sequence[ApiToken]:
        """Return all tokens, newest first."""
        return db.session.scalars(sa.select(ApiToken).order_by(ApiToken.id.desc())).all()

    def revoke(self, token_id: uuid.UUID, *, actor: Actor) -> ApiToken:
        """Revoke a token. Raises NotFound."""
        row = db.session.get(ApiToken, token_id)
        if row is None:
            raise NotFound(f"There is no token {token_id}. `flask tokens list` shows them all.")
        if row.revoked_at is None:
            row.revoked_at = now()
            audit.record("token.revoked", actor=actor, about=("user", row.user_id), token=str(row.id))
        return row

    def list_active(self, user: User) -> Sequence[ApiToken]:
        """Return the user's valid tokens, oldest first."""
        good = sa.and_(ApiToken.revoked_at.is_(None), ApiToken.expires_at > now())
        tokens_query = sa.select(ApiToken).where(ApiToken.user_id == user.id, good).order_by(ApiToken.id)
        return db.session.scalars(tokens_query).all()

    def revoke_all(self, user: User, *, actor: Actor) -> int:
        """Revoke all tokens of the user; return their number."""
        active = self.list_active(user)
        for row in active:
            self.revoke(row.id, actor=actor)
        return len(active)

    def authenticate(self, authorization: str) -> tuple[uuid.UUID, User] | None:
        """Return token id and user, limited to the scopes; None if invalid."""
        text = parse_bearer(authorization)
        if text is None:
            return None
        good = sa.and_(
            ApiToken.token_hash == _hash(text),
            ApiToken.revoked_at.is_(None),
            ApiToken.expires_at > now(),
        )
        token_query = sa.select(ApiToken.id, ApiToken.user_id, ApiToken.scopes, ApiToken.last_used_at).where(
            good
        )
        # Outside the request's transaction, which would hold SQLite's lock.
        with read_only(), db.engine.begin() as connection:
            row = connection.execute(token_query).first()
        if row is None:
            return None
        self._note_use(row.id, row.last_used_at)
        user = db.session.get(User, row.user_id)
        if user is None or not user.active:
            return None
        user.scopes = frozenset(row.scopes.split())
        return row.id, user

    def _note_use(self, token_id: uuid.UUID, last: datetime | None) -> None:
        if last is None or now() - last > USE_INTERVAL:
            used = sa.update(ApiToken).where(ApiToken.id == token_id).values(last_used_at=now())
            with read_only(False), db.engine.begin() as connection:
                connection.execute(used)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()


tokens = Tokens()
