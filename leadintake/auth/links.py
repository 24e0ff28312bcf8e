"""Links in mails that let somebody choose a password: good once, and not for long."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

import sqlalchemy as sa
from flask import current_app

from leadintake.auth.models import AccountLink, LinkPurpose, User
from leadintake.core.clock import now
from leadintake.core.database import db
from leadintake.core.errors import NotFound
from leadintake.notifications.service import notifications


class LinkGone(NotFound):
    """The link was used, is too old, or never was."""

    title = "This link is no longer good"

    def __init__(self) -> None:
        super().__init__("This link was used already or is too old. Please ask for a new one.")


class Links:
    """Links that are out."""

    def send(self, user: User, purpose: LinkPurpose, *, invited_by: str = "") -> None:
        """Mail a link to the user. The token is in the mail alone; here is its SHA-256."""
        # Nobody else clears those away that were never followed.
        db.session.execute(sa.delete(AccountLink).where(AccountLink.expires_at < now()))
        token = secrets.token_urlsafe(32)
        good_for = _good_for(purpose)
        link = AccountLink(
            user_id=user.id, purpose=purpose, token_hash=_hash(token), expires_at=now() + good_for
        )
        db.session.add(link)
        notifications.owe(
            purpose,
            user.email,
            name=user.name,
            link=f"{current_app.config['PUBLIC_URL'].rstrip('/')}/account/{token}",
            hours=f"{good_for.total_seconds() / 3600:g}",
            invited_by=invited_by,
        )

    def whose(self, token: str) -> User:
        """The user whose link this is. Raises LinkGone."""
        good = sa.and_(
            AccountLink.token_hash == _hash(token), AccountLink.expires_at > now(), User.active.is_(True)
        )
        mine = sa.select(User).join(AccountLink, AccountLink.user_id == User.id).where(good)
        user = db.session.scalar(mine)
        if user is None:
            raise LinkGone
        return user

    def spend(self, token: str) -> None:
        """Make the link worthless. Raises LinkGone where somebody else was faster."""
        spent = db.session.execute(sa.delete(AccountLink).where(AccountLink.token_hash == _hash(token)))
        if not spent.rowcount:  # type: ignore[attr-defined] # of a CursorResult, which a DELETE gives
            raise LinkGone

    def revoke(self, user: User) -> None:
        """Take back whatever links the user has."""
        db.session.execute(sa.delete(AccountLink).where(AccountLink.user_id == user.id))


def _good_for(purpose: LinkPurpose) -> timedelta:
    if purpose is LinkPurpose.INVITATION:
        return timedelta(hours=current_app.config["INVITATION_HOURS"])
    return timedelta(minutes=current_app.config["PASSWORD_RESET_MINUTES"])


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


links = Links()
