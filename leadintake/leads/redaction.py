"""Withhold from those who may not screen what tells of ethical walls: reasons, and names of the screened."""

from __future__ import annotations

import re

from leadintake.auth.actor import UserOrOperator
from leadintake.auth.permissions import Permission
from leadintake.core.actor import OPERATOR

OF_SCREENS = ("screened", "screen_lifted")
"""Actions of the history whose detail names the screened user and the reason."""
IS_SCREENED = " is screened from it."
NAMES_SCREENED = re.compile(rf"^(to \S+: )?.*{re.escape(IS_SCREENED)}\s*", re.DOTALL)
"""The beginning of the reason of a decision; in the history the new assignee stands before it."""


def explain_screen(name: str) -> str:
    """Return why a lead leaves the user of this name: the sentence that is withheld."""
    return name + IS_SCREENED


def knows_screens(reader: UserOrOperator) -> bool:
    """Return whether `reader` may read who is screened from a lead, and why."""
    return reader is OPERATOR or reader.may(Permission.SCREEN_LEADS)


def redact(words: str, *, reader: UserOrOperator, action: str = "") -> str:
    """Return the reason of an assignment, or the detail of an action, as `reader` may read it."""
    if knows_screens(reader):
        return words
    return "" if action in OF_SCREENS else without_screened(words)


def without_screened(words: str) -> str:
    """Return the reason of an assignment without the sentence that names the screened user."""
    return NAMES_SCREENED.sub(r"\1", words)
