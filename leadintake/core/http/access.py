"""Access marks of views. Below the internal blueprint, a view without a mark is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

View = TypeVar("View", bound=Callable[..., Any])

SIGNED_IN = "signed_in"
"""The permission of every signed-in user."""


def allow(permission: str = SIGNED_IN, *, with_password_alone: bool = False) -> Callable[[View], View]:
    """Allow users with `permission`, given by name: rooms need not know who grants it.

    `with_password_alone`: also users who still lack the second factor that REQUIRE_MFA demands.
    """

    def mark(view: View) -> View:
        view.permission = permission  # type: ignore[attr-defined] # a mark on a function
        view.with_password_alone = with_password_alone  # type: ignore[attr-defined] # the same
        return view

    return mark


def allow_anonymous(view: View) -> View:
    """Allow everybody."""
    view.permission = None  # type: ignore[attr-defined] # a mark on a function
    return view


def allow_files(view: View) -> View:
    """Mark a view that takes files in a form. One with `@api(form=…)` needs no mark."""
    view.takes_files = True  # type: ignore[attr-defined] # a mark on a function
    return view


def without_database(view: View) -> View:
    """Mark a view that works without the database."""
    view.without_database = True  # type: ignore[attr-defined] # a mark on a function
    return view
