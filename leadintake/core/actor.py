"""Who does something. A person, or one of three who act without being a user; never None, never a default."""

from __future__ import annotations

import uuid
from enum import Enum
from typing import Final, Literal, Protocol

from flask import has_request_context
from flask_login import current_user


class Person(Protocol):
    """Somebody with an id."""

    id: uuid.UUID


class Unnamed(Enum):
    """Who acts without being a user. The value is their word in the audit trail."""

    OPERATOR = "operator"
    """Somebody at the machine, by a command: sees and may do everything."""
    SYSTEM = "system"
    """A worker or a chore, or a rule that acts by itself."""
    ANONYMOUS = "anybody"
    """The public: somebody who is not signed in."""


OPERATOR: Final = Unnamed.OPERATOR
SYSTEM: Final = Unnamed.SYSTEM
ANONYMOUS: Final = Unnamed.ANONYMOUS

Operator = Literal[Unnamed.OPERATOR]
RequestActor = Person | Literal[Unnamed.SYSTEM, Unnamed.ANONYMOUS]
"""Who can be behind a request: no OPERATOR."""
PersonOrUnnamed = Person | Unnamed


def refuse_operator_in_request(actor: object) -> None:
    """Raise RuntimeError for OPERATOR while a request is served: who sends one never has all the power."""
    if actor is OPERATOR and has_request_context():
        raise RuntimeError("OPERATOR is for commands. A request is made by a user, or by ANONYMOUS.")


def current_person() -> Person:
    """Who sent this request, for rooms below auth. Raises RuntimeError when nobody is signed in."""
    person = current_user._get_current_object()
    if person is None or not person.is_authenticated:
        raise RuntimeError("Nobody is signed in here. Only views behind the guard may ask.")
    found: Person = person
    return found
