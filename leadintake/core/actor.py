"""Actors: who acts. A user, or one of three actors without an account; never None, never a default."""

from __future__ import annotations

import uuid
from enum import Enum
from typing import Final, Literal, Protocol

from flask import has_request_context
from flask_login import current_user


class Person(Protocol):
    """A user, as rooms below auth know one."""

    id: uuid.UUID


class Unnamed(Enum):
    """Actors without an account, by their names in the audit trail."""

    OPERATOR = "operator"
    """A person who runs commands on the machine: may see and do everything."""
    SYSTEM = "system"
    """A worker, a chore or an automatic rule."""
    ANONYMOUS = "anybody"
    """A person who is not signed in."""


OPERATOR: Final = Unnamed.OPERATOR
SYSTEM: Final = Unnamed.SYSTEM
ANONYMOUS: Final = Unnamed.ANONYMOUS

Operator = Literal[Unnamed.OPERATOR]
RequestActor = Person | Literal[Unnamed.SYSTEM, Unnamed.ANONYMOUS]
"""Actors of a request."""
PersonOrUnnamed = Person | Unnamed


def refuse_operator_in_request(actor: object) -> None:
    """Raise RuntimeError for OPERATOR during a request: no client has that power."""
    if actor is OPERATOR and has_request_context():
        raise RuntimeError("OPERATOR is for commands. A request is made by a user, or by ANONYMOUS.")


def current_person() -> Person:
    """Return the user who sent this request, for rooms below auth. Raises RuntimeError if there is none."""
    person = current_user._get_current_object()
    if person is None or not person.is_authenticated:
        raise RuntimeError("Nobody is signed in here. Only views behind the guard may ask.")
    found: Person = person
    return found
