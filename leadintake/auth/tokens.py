"""API tokens: what a program signs its requests with."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from leadintake.audit.service import By, audit
from leadintake.auth.models import ApiToken, User
from leadintake.auth.permissions import GRANTS, Permission
from leadintake.auth.session_interface import shown_token
from leadintake.core.clock import now
from leadintake.core.database import db, reading
from leadintake.core.errors import Invalid, NotFound
from leadintake.core.text import shown_line

PREFIX = "leadintake_"
"""So that whoever finds one in a file, and programs that look for such finds, know what it is."""
NOTED_EVERY = timedelta(minutes=1)
LONGEST_DAYS = 366


class Tokens:
    """The tokens that are out."""

    def add(
        self, user: User, name: str, scopes: Sequence[Permission], days: int, *, by: By = None
    ) -> tuple[str, ApiToken]:
        """Make a token for `days`, good for `scopes` as far as the user's role has them.

        Return its text, which is nowhere else and never shown again, and its row. Raises Invalid.
        """
        if not user.active:
            raise Invalid(
                {"email": [f"{user.email} was deactivated; what is made now would come to life later."]}
            )
        beyond = [scope for scope in scopes if scope not in GRANTS[user.role]]
        if not scopes or beyond:
            granted = ", ".join(sorted(GRANTS[user.role]))
            raise Invalid({"scope": [f"{user.email} is {user.role} and may: {granted}."]})
        shown = shown_line(name, 100)
        if not shown:
            raise Invalid({"name": ["A name has 1 to 100 characters, and none that cannot be shown."]})
        if not 1 <= days <= LONGEST_DAYS:
            raise Invalid({"days": [f"Choose 1 to {LONGEST_DAYS} days."]})
        text = PREFIX + secrets.token_urlsafe(32)
        row = ApiToken(
            user_id=user.id,
            name=shown,
            token_hash=_hash(text),
            scopes=" ".join(sorted(set(scopes))),
            expires_at=now() + timedelta(days=days),
        )
        db.session.add(row)
        db.session.flush()
        audit.record("token.added", by=by, about=("user", user.id), token=str(row.id), scopes=sorted(scopes))
        return text, row

    def all(self) -> Sequence[ApiToken]:
        """Every token that ever was, the newest first."""
        return db.session.scalars(sa.select(ApiToken).order_by(ApiToken.id.desc())).all()

    def revoke(self, token_id: uuid.UUID, *, by: By = None) -> ApiToken:
        """Make a token worthless. Raises NotFound."""
        row = db.session.get(ApiToken, token_id)
        if row is None:
            raise NotFound(f"There is no token {token_id}. `flask tokens list` shows them all.")
        if row.revoked_at is None:
            row.revoked_at = now()
            audit.record("token.revoked", by=by, about=("user", row.user_id), token=str(row.id))
        return row

    def of(self, user: User) -> Sequence[ApiToken]:
        """The user's tokens that are good still, the oldest first."""
        good = sa.and_(ApiToken.revoked_at.is_(None), ApiToken.expires_at > now())
        theirs = sa.select(ApiToken).where(ApiToken.user_id == user.id, good).order_by(ApiToken.id)
        return db.session.scalars(theirs).all()

    def revoke_all(self, user: User, *, by: By = None) -> int:
        """Make every token of the user worthless; return how many there were."""
        theirs = self.of(user)
        for row in theirs:
            self.revoke(row.id, by=by)
        return len(theirs)

    def shown_by(self, authorization: str) -> tuple[uuid.UUID, User] | None:
        """The token in an Authorization header and its user, bounded to its scopes; None if it is no good."""
        text = shown_token(authorization)
        if text is None:
            return None
        good = sa.and_(
            ApiToken.token_hash == _hash(text),
            ApiToken.revoked_at.is_(None),
            ApiToken.expires_at > now(),
        )
        wanted = sa.select(ApiToken.id, ApiToken.user_id, ApiToken.scopes, ApiToken.last_used_at).where(good)
        # Beside the request's own transaction, which has not begun yet: on SQLite it would hold the lock.
        with reading(), db.engine.begin() as connection:
            row = connection.execute(wanted).first()
        if row is None:
            return None
        self._note_use(row.id, row.last_used_at)
        user = db.session.get(User, row.user_id)
        if user is None or not user.active:
            return None
        user.scopes = frozenset(row.scopes.split())
        return row.id, user

    def _note_use(self, token_id: uuid.UUID, last: datetime | None) -> None:
        """Note that it is used, once a minute."""
        if last is None or now() - last > NOTED_EVERY:
            used = sa.update(ApiToken).where(ApiToken.id == token_id).values(last_used_at=now())
            with reading(False), db.engine.begin() as connection:
                connection.execute(used)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()


tokens = Tokens()
