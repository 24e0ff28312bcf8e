"""Forgotten passwords: asked for by anybody, answered by a worker to whom it concerns."""

from __future__ import annotations

import sqlalchemy as sa

from leadintake.audit.service import audit
from leadintake.auth.links import links
from leadintake.auth.models import LinkPurpose, PasswordRequest
from leadintake.auth.service import auth
from leadintake.core.database import db, reading
from leadintake.core.keys import seal, unseal
from leadintake.core.transaction import on_commit, transaction
from leadintake.notifications import embedded
from leadintake.notifications.service import notifications

PURPOSE = "password requests"
MOST_AN_HOUR, MOST_AT_ONCE = 3, 50


class Forgotten:
    """The requests that wait."""

    def ask(self, email: str) -> None:
        """Note that the password of this address was forgotten, whoever has it.

        A worker looks whether there is such a user: neither the answer nor its time tells.
        """
        db.session.add(PasswordRequest(address=seal(PURPOSE, email)))
        on_commit(embedded.wake)

    def answer(self) -> None:
        """Mail a link to those who asked and may sign in: what workers look after in each round."""
        with reading():
            anybody = db.session.scalar(sa.select(PasswordRequest.id).limit(1))
            db.session.rollback()
        if anybody is None:
            return
        with transaction():
            waiting = sa.select(PasswordRequest).order_by(PasswordRequest.id).limit(MOST_AT_ONCE)
            for request in db.session.scalars(waiting.with_for_update(skip_locked=True)).all():
                self._mail(unseal(PURPOSE, request.address))
                db.session.delete(request)

    def _mail(self, email: str) -> None:
        user, kind = auth.find(email), LinkPurpose.PASSWORD_RESET
        if user is None or not user.is_here:
            return
        if notifications.bears_another(kind, user.email, most_an_hour=MOST_AN_HOUR):
            links.send(user, kind)
            audit.record("password.forgotten", by="system", about=("user", user.id))


forgotten = Forgotten()
