"""The marks that say who may enter a view. A view without one answers nobody below the internal parent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

View = TypeVar("View", bound=Callable[..., Any])

SIGNED_IN = "signed_in"
"""The permission everybody has who is signed in."""


def allow(permission: str = SIGNED_IN, *, with_password_alone: bool = False) -> Callable[[View], View]:
    """Let in who is signed in and has `permission`, by its name: rooms need not know who grants it.

    `with_password_alone`: also somebody who must prove more than a password (REQUIRE_MFA) and has not yet.
    """

    def mark(view: View) -> View:
        view.permission = permission  # type: ignore[attr-defined] # a mark on a function
        view.with_password_alone = with_password_alone  # type: ignore[attr-defined] # the same
        return view

    return mark


def anyone(view: View) -> View:
    """Let everybody in, on purpose."""
    view.permission = None  # type: ignore[attr-defined] # a mark on a function
    return view


def without_database(view: View) -> View:
    """Mark a view that answers whatever the database is."""
    view.without_database = True  # type: ignore[attr-defined] # a mark on a function
    return view
