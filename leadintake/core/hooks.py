"""Events: a room sends what happened, other rooms listen.

A room declares an `Event` with the struct of its payload, and sends it in the transaction of what happened.
Other rooms connect while the application is created:

    lead_created.connect(app, write_line, when=When.IN_TRANSACTION)

1. Listeners belong to one application and are called in the order of connecting. References are strong: a
   listener may be a closure or a bound method.
2. `IN_TRANSACTION`: called at once. If it raises, sender and transaction fail.
3. `IN_SAVEPOINT`: called at once. If it raises, its database changes and the `AFTER_COMMIT` calls it caused
   are undone, and the error is logged; the transaction and the other listeners continue. What it registered
   with `before_commit`, `on_commit` or `audit.record` stays. An OperationalError (deadlock, lost connection)
   fails the transaction; an IntegrityError is undone like any other.
4. `AFTER_COMMIT`: called after the commit, in the order of sending, each in its own application context (and
   so session); to write, it opens a `transaction()`. An error is logged. It is not called if the transaction
   fails or its outcome is unknown, nor if the process ends between commit and call: write what must not be
   lost in the transaction, for example as a message of the outbox.

A payload holds ids and values, no rows: after the commit, a listener has another session.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Any, Generic, TypeVar

import structlog
from blinker import Signal
from flask import Flask, current_app
from sqlalchemy.exc import OperationalError

from leadintake.core.db.database import db
from leadintake.core.db.transaction import on_commit, on_end
from leadintake.server_logs.failures import sentence_of

SIGNALS = "leadintake.events"
"""Key in app.extensions."""
WAITING = "leadintake.events"
"""Key in session.info."""
Payload = TypeVar("Payload")
log = structlog.get_logger()


class When(Enum):
    IN_TRANSACTION = "in_transaction"
    IN_SAVEPOINT = "in_savepoint"
    AFTER_COMMIT = "after_commit"


class Event(Generic[Payload]):
    """A kind of event, and the struct of its payload."""

    def __init__(self, name: str, payload: type[Payload]) -> None:
        self.name, self.payload = name, payload

    def __repr__(self) -> str:
        return f"Event({self.name})"

    def connect(self, app: Flask, listener: Callable[[Payload], None], *, when: When) -> None:
        """Call `listener` for each such event in `app`."""
        signals: dict[Event[Any], Signal] = app.extensions.setdefault(SIGNALS, {})
        signals.setdefault(self, _OrderedSignal()).connect(_Listener(self.name, listener, when), weak=False)

    def send(self, payload: Payload) -> None:
        """Call the listeners, in the transaction of the event.

        Outside of one, `AFTER_COMMIT` waits for the session's next commit.
        """
        signal: Signal | None = current_app.extensions.get(SIGNALS, {}).get(self)
        if signal is not None:
            signal.send(payload=payload)


@dataclass(frozen=True, eq=False)
class _Listener:
    event: str
    function: Callable[[Any], None]
    when: When

    def __call__(self, _sender: object, *, payload: object) -> None:
        if self.when is When.IN_TRANSACTION:
            self.function(payload)
        elif self.when is When.IN_SAVEPOINT:
            self._call_in_savepoint(payload)
        else:
            _wait_for_commit(partial(self._call_after_commit, payload))

    def _call_in_savepoint(self, payload: object) -> None:
        waiting = len(db.session().info.get(WAITING, ()))
        try:
            with db.session.begin_nested():
                self.function(payload)
        except OperationalError:
            raise  # a deadlock undoes the whole transaction, not only the savepoint
        except Exception as error:  # noqa: BLE001 - only the savepoint is undone
            del db.session().info.get(WAITING, [])[waiting:]
            self._log(error)

    def _call_after_commit(self, payload: object) -> None:
        try:
            with current_app.app_context():
                self.function(payload)
        except Exception as error:  # noqa: BLE001 - the event is durable; other listeners run
            self._log(error)

    def _log(self, error: Exception) -> None:
        name = getattr(self.function, "__qualname__", type(self.function).__name__)
        log.error("listener_failed", of=self.event, listener=name, error=sentence_of(error))


class _InOrder(dict[Any, None]):
    """An ordered set, with the methods that blinker needs."""

    def add(self, key: Any) -> None:
        self[key] = None

    def discard(self, key: Any) -> None:
        self.pop(key, None)

    def copy(self) -> _InOrder:
        return _InOrder(self)


class _OrderedSignal(Signal):
    set_class = _InOrder  # type: ignore[assignment] # what blinker's documentation asks for: add, discard, copy


def _wait_for_commit(call: Callable[[], None]) -> None:
    info = db.session().info
    if WAITING not in info:
        info[WAITING] = []
        on_commit(_call_waiting)
        on_end(_forget_waiting)
    info[WAITING].append(call)


def _call_waiting() -> None:
    for call in db.session().info.pop(WAITING, ()):
        call()


def _forget_waiting() -> None:
    db.session().info.pop(WAITING, None)
