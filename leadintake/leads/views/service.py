"""Verbs on saved views: filters of the list that a user named, for that user alone.

A view holds no leads: it is a query string, and shows what the list shows its owner now.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import sqlalchemy as sa

from leadintake.audit.service import audit
from leadintake.auth.models import User
from leadintake.core.db.database import db
from leadintake.core.errors import Conflict, NotFound, UnprocessableContent
from leadintake.core.text import visible_line
from leadintake.leads.views.models import SavedView

MAX_VIEWS = 20
MAX_NAME_LENGTH, MAX_QUERY_LENGTH = 60, 1000


class Views:
    """Saved views."""

    def list_own(self, user: User) -> Sequence[SavedView]:
        """Return the user's views, by name."""
        own = sa.select(SavedView).where(SavedView.user_id == user.id)
        return db.session.scalars(own.order_by(SavedView.name, SavedView.id)).all()

    def save(self, user: User, name: str, query: str) -> SavedView:
        """Save a query string of the list. Raises Conflict for a name in use, and above MAX_VIEWS."""
        if not query or len(query) > MAX_QUERY_LENGTH:
            raise UnprocessableContent({"query": ["Filter the list first, then save what it shows."]})
        own = self._lock_own(user)
        if len(own) >= MAX_VIEWS:
            raise Conflict(f"You have {MAX_VIEWS} views. Delete one first.")
        view = SavedView(user_id=user.id, name=_unused_name(name, own), query=query)
        db.session.add(view)
        audit.record("view.saved", actor=user, about=("user", user.id))
        return view

    def rename(self, user: User, view_id: uuid.UUID, name: str) -> None:
        """Rename a view. Raises NotFound, and Conflict for a name in use."""
        own = self._lock_own(user)
        view = _find(own, view_id)
        view.name = _unused_name(name, [other for other in own if other is not view])
        audit.record("view.renamed", actor=user, about=("user", user.id))

    def delete(self, user: User, view_id: uuid.UUID) -> None:
        """Delete a view. Raises NotFound."""
        db.session.delete(_find(self._lock_own(user), view_id))
        audit.record("view.deleted", actor=user, about=("user", user.id))

    def _lock_own(self, user: User) -> Sequence[SavedView]:
        """Return the user's views, which no other request changes until the transaction ends."""
        db.session.scalar(sa.select(User.id).where(User.id == user.id).with_for_update())
        return self.list_own(user)


def _find(own: Sequence[SavedView], view_id: uuid.UUID) -> SavedView:
    view = next((view for view in own if view.id == view_id), None)
    if view is None:
        raise NotFound("There is no such view.")
    return view


def _unused_name(typed: str, own: Sequence[SavedView]) -> str:
    name = visible_line(typed, MAX_NAME_LENGTH)
    if not name:
        raise UnprocessableContent({"name": [f"Choose a name of 1 to {MAX_NAME_LENGTH} characters."]})
    if any(view.name == name for view in own):
        raise Conflict("You have a view of this name already.")
    return name


views = Views()
