"""Forgotten passwords: anonymous requests, handled by a worker."""

from __future__ import annotations

import uuid

import sqlalchemy as sa

from leadintake.audit.service import audit
from leadintake.auth.models import LinkPurpose, PasswordRequest
from leadintake.auth.people.links import links
from leadintake.auth.service import auth
from leadintake.core.actor import SYSTEM
from leadintake.core.crypto import seal, unseal
from leadintake.core.db.database import db, read_only
from leadintake.core.db.transaction import on_commit, transaction
from leadintake.notifications import embedded
from leadintake.notifications.service import notifications

PURPOSE = "password requests"
MAX_AN_HOUR, MAX_AT_ONCE = 3, 50


class Forgotten:
    """Pending requests."""

    def ask(self, email: str) -> None:
        """Store a request. Only a worker looks the user up: no response time discloses accounts."""
        db.session.add(PasswordRequest(address=seal(PURPOSE, email)))
        on_commit(embedded.wake)

    def probe(self) -> sa.Select[tuple[uuid.UUID]]:
        """Return the query of what a worker shall answer soon."""
        return sa.select(PasswordRequest.id)

    def answer(self) -> bool:
        """Mail links to active users, new invitations to those not here yet; return whether any asked."""
        with read_only():
            first_id = db.session.scalar(self.probe().limit(1))
            db.session.rollback()
        if first_id is None:
            return False
        with transaction():
            request_query = sa.select(PasswordRequest).order_by(PasswordRequest.id).limit(MAX_AT_ONCE)
            for request in db.session.scalars(request_query.with_for_update(skip_locked=True)).all():
                self._mail(unseal(PURPOSE, request.address))
                db.session.delete(request)
        return True

    def _mail(self, email: str) -> None:
        user = auth.find(email)
        if user is None or not user.active:
            return
        db.session.refresh(user, with_for_update=True)  # who has another address by now is sent nothing
        if auth.find(email) is not user:
            return
        kind = LinkPurpose.PASSWORD_RESET if user.is_here else LinkPurpose.INVITATION
        if notifications.below_hourly_limit(kind, user.email, most_an_hour=MAX_AN_HOUR):
            links.send(user, kind)
            action = "password.forgotten" if user.is_here else "user.invited_again"
            audit.record(action, actor=SYSTEM, about=("user", user.id))


forgotten = Forgotten()
