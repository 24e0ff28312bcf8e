"""Types of the explicit actor of a verb: `User` in requests, `UserOrOperator` also in commands, `Actor` also
in workers. No default: None must never mean power.
"""

from __future__ import annotations

from leadintake.auth.models import User
from leadintake.core.actor import Operator, Unnamed, current_person

UserOrOperator = User | Operator
Actor = User | Unnamed


def current_actor() -> User:
    """Return the signed-in user. Raises RuntimeError if there is none, and outside requests."""
    person = current_person()
    if not isinstance(person, User):
        raise TypeError(f"{type(person).__name__} is no user.")
    return person
