"""No schema takes a text of any length."""

from __future__ import annotations

import typing
from collections.abc import Iterator

import msgspec
import msgspec.inspect as look
import pytest

Bounded = typing.Annotated[str, msgspec.Meta(max_length=5)]
UNBOUNDED = (look.StrType, look.BytesType)


@pytest.fixture
def settings() -> dict[str, object]:
    return {"PASSKEYS": True, "PUBLIC_URL": "http://localhost:8000"}


def unbounded(kind: typing.Any, name: str) -> Iterator[str]:
    """The names of the texts in a type that have no greatest length."""
    if isinstance(kind, UNBOUNDED) and kind.max_length is None:
        yield name
    for member in getattr(kind, "fields", ()):
        yield from unbounded(member.type, f"{name}.{member.encode_name}")
    for inside in (*getattr(kind, "types", ()), *getattr(kind, "item_types", ())):
        yield from unbounded(inside, name)
    for part in ("item_type", "key_type", "value_type", "type"):
        if (inside := getattr(kind, part, None)) is not None:
            yield from unbounded(inside, f"{name}[]")
            if part == "item_type" and kind.max_length is None:
                yield f"{name}[]"
    if isinstance(kind, look.AnyType):
        yield name


def test_no_member_of_a_request_takes_a_text_of_any_length(app):
    asked = {
        schema
        for view in app.view_functions.values()
        if (interface := getattr(view, "interface", None)) is not None
        for schema in (interface.json, interface.query)
        if schema is not None
    }
    assert len(asked) > 15
    assert [name for schema in asked for name in unbounded(look.type_info(schema), schema.__name__)] == []


class Inner(msgspec.Struct):
    note: str


class Outer(msgspec.Struct):
    inner: Inner | None
    names: list[Bounded]
    good: Bounded | None
    more: dict[str, int]


def test_a_text_of_any_length_is_found_wherever_it_is():
    assert sorted(set(unbounded(look.type_info(Outer), "it"))) == ["it.inner.note", "it.more[]", "it.names[]"]
