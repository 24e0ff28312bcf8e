"""Mailed links to choose a password: single use, short-lived."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

import sqlalchemy as sa
from flask import current_app

from leadintake.auth.models import AccountLink, LinkPurpose, User
from leadintake.core.clock import now
from leadintake.core.db.database import db
from leadintake.core.db.results import affected
from leadintake.core.errors import NotFound
from leadintake.notifications.service import notifications


class LinkGone(NotFound):
    """The link is used, expired or unknown."""

    title = "This link is no longer good"

    def __init__(self) -> None:
        super().__init__("This link was used already or is too old. Please ask for a new one.")


class Links:
    """Valid links."""

    def send(self, user: User, purpose: LinkPurpose, *, invited_by: str = "") -> None:
        """Mail a new link, and delete the expired links of all users. Only the mail holds the token."""
        db.session.execute(sa.delete(AccountLink).where(AccountLink.expires_at < now()))
        token = secrets.token_urlsafe(32)
        good_for, site = _good_for(purpose), current_app.config["PUBLIC_URL"].rstrip("/")
        link = AccountLink(
            user_id=user.id, purpose=purpose, token_hash=_hash(token), expires_at=now() + good_for
        )
        db.session.add(link)
        notifications.enqueue(
            purpose,
            user.email,
            name=user.name,
            link=f"{site}/account/{token}",
            desk=f"{site}/desk",
            hours=f"{good_for.total_seconds() / 3600:g}",
            invited_by=invited_by,
        )

    def find_user(self, token: str) -> User:
        """Return the link's user. Raises LinkGone."""
        good = sa.and_(
            AccountLink.token_hash == _hash(token), AccountLink.expires_at > now(), User.active.is_(True)
        )
        user_query = sa.select(User).join(AccountLink, AccountLink.user_id == User.id).where(good)
        user = db.session.scalar(user_query)
        if user is None:
            raise LinkGone
        return user

    def consume(self, token: str) -> None:
        """Delete the link. Raises LinkGone if a concurrent request did."""
        result = db.session.execute(sa.delete(AccountLink).where(AccountLink.token_hash == _hash(token)))
        if not affected(result):
            raise LinkGone

    def revoke(self, user: User) -> None:
        """Delete all links of the user."""
        db.session.execute(sa.delete(AccountLink).where(AccountLink.user_id == user.id))


def _good_for(purpose: LinkPurpose) -> timedelta:
    if purpose is LinkPurpose.INVITATION:
        return timedelta(hours=current_app.config["INVITATION_HOURS"])
    return timedelta(minutes=current_app.config["PASSWORD_RESET_MINUTES"])


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


links = Links()
