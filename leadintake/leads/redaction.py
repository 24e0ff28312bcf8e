"""Withhold from those who may not screen what tells of ethical walls: reasons, and names of the screened."""

from __future__ import annotations

import re

from leadintake.auth.actor import UserOrOperator
from leadintake.auth.permissions import Permission
from leadintake.core.actor import OPERATOR

OF_SCREENS = ("screened", "screen_lifted")
"""Actions of the history whose detail names the screened user and the reason."""
NAMES_SCREENED = re.compile(r"^(to \S+: )?.* is screened from it\.\s*", re.DOTALL)
"""The beginning of the reason of a decision; in the history the new assignee stands before it."""


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
