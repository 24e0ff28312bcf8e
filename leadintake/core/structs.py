"""Preparation of msgspec structs for threads."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import msgspec

PACKAGE = __name__.partition(".")[0]


def prepare() -> None:
    """Resolve the types of all imported structs.

    msgspec 0.22 does so at a struct's first decode, and marks it as resolved too early: a second thread that
    decodes it meanwhile crashes (SIGSEGV).
    """
    for struct in _subclasses(msgspec.Struct):
        if struct.__module__.startswith(f"{PACKAGE}."):
            with contextlib.suppress(TypeError):  # payload of an event, never decoded
                msgspec.json.Decoder(struct)


def _subclasses(struct: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    for subclass in struct.__subclasses__():
        yield subclass
        yield from _subclasses(subclass)
