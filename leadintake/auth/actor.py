"""Types of actors. Verbs take an explicit actor, without a default.

Verbs for requests take `User`, those for commands too `UserOrOperator`, those for workers too `Actor`.
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
