"""What a view takes and answers, written once: enforced when served, printed in the OpenAPI document."""

from __future__ import annotations

import functools
import itertools
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeVar

import msgspec
from flask import Response, request

from leadintake.core.errors import Errors, Invalid, Malformed, Stale, WrongKind
from leadintake.core.languages import phrase, said

View = TypeVar("View", bound=Callable[..., Any])
Schema = TypeVar("Schema", bound=msgspec.Struct)

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that are no JSON. A ValidationError, for JSON of another type, is one too."""
MOST_UNKNOWN = 100
"""Unknown members that are named; whoever sends more of them is not helped by a longer list."""


@dataclass(frozen=True)
class Interface:
    """How one view is spoken to. `answers`: for each status a schema, or the content type of other bytes."""

    answers: Mapping[int, Any]
    json: type[msgspec.Struct] | None = None
    query: type[msgspec.Struct] | None = None
    form: Mapping[str, Any] | None = None
    headers: tuple[str, ...] = ()
    refuses: tuple[int, ...] = field(default=())


def speaks(
    answers: Mapping[int, Any],
    *,
    json: type[msgspec.Struct] | None = None,
    query: type[msgspec.Struct] | None = None,
    form: Mapping[str, Any] | None = None,
    headers: tuple[str, ...] = (),
    refuses: tuple[int, ...] = (),
) -> Callable[[View], View]:
    """Give a view its typed `json` and `query`, refuse what does not fit, and describe it all.

    Unknown JSON members and unknown query parameters are Invalid (422), a body that is no JSON is
    Malformed (400), another content type is WrongKind (415).
    """
    interface = Interface(answers, json, query, form, headers, refuses)

    def mark(view: View) -> View:
        @functools.wraps(view)
        def judged(**arguments: Any) -> Any:
            found = _query_of(query)
            if query is not None:
                arguments["query"] = found
            if json is not None:
                arguments["json"] = _body_of(json)
            return view(**arguments)

        judged.interface = interface  # type: ignore[attr-defined] # a mark on a function
        return judged  # type: ignore[return-value] # same call, judged first

    return mark


def respond(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with a schema as JSON."""
    body = msgspec.json.encode(content)
    return Response(body, status, dict(headers or {}), content_type="application/json")


def expect_version(version: int) -> None:
    """Raise Stale when the request's If-Match names another version (RFC 9110, 13.1.1).

    Of an entity tag `version.rest` the version counts: the rest stands for what no change is based on.
    """
    named = {(tag or "").partition(".")[0] for tag in request.if_match.as_set()}
    if "If-Match" in request.headers and not request.if_match.star_tag and str(version) not in named:
        raise Stale("Somebody changed this meanwhile. Please look at it again before you change it.")


def _body_of(schema: type[msgspec.Struct]) -> msgspec.Struct:
    if request.mimetype != "application/json" or request.content_encoding:
        raise WrongKind("Send a body of type application/json, not compressed.")
    body = request.get_data()
    try:
        body.decode()  # a member that is passed over is not decoded below
        content = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except msgspec.ValidationError as error:
        if not _is_json(body):
            raise Malformed("The body is not JSON.") from error
        raise Invalid({"body": ["Send a JSON object."]}) from error
    except UNREADABLE as error:
        raise Malformed("The body is not JSON.") from error
    return _judged(schema, content, lambda raw, kind: msgspec.json.decode(raw, type=kind))


def _is_json(body: bytes) -> bool:
    """Whether all of it is JSON of some kind, built of nothing."""
    try:
        msgspec.json.decode(body, type=msgspec.Raw)
    except UNREADABLE:
        return False
    return True


def _query_of(schema: type[msgspec.Struct] | None) -> msgspec.Struct | None:
    content = {name: values[0] for name, values in request.args.lists()}
    repeated = {
        name: [phrase("Give this only once.")] for name, values in request.args.lists() if len(values) > 1
    }
    if repeated:
        raise Invalid(repeated)
    if schema is None:
        if content:
            raise Invalid({name: [phrase("This address takes no such parameter.")] for name in content})
        return None
    return judge(schema, content, strict=False)


def judge(schema: type[Schema], content: Mapping[str, Any], *, strict: bool) -> Schema:
    """Build `schema` from `content`, or raise Invalid naming every member that is wrong, not the first."""
    return _judged(schema, content, lambda value, kind: msgspec.convert(value, kind, strict=strict))


def _judged(schema: type[Schema], content: Mapping[str, Any], read: Callable[[Any, Any], Any]) -> Schema:
    """Build `schema` from members that `read` makes what their type says: nothing is built untyped first."""
    known = {member.encode_name: member for member in msgspec.structs.fields(schema)}
    errors: dict[str, list[str]] = {
        name: [phrase("There is no such field.")]
        for name in itertools.islice((name for name in content if name not in known), MOST_UNKNOWN)
    }
    values = {}
    for name, member in known.items():
        if name not in content:
            if member.required:
                errors[name] = ["This field is required."]
            continue
        try:
            values[member.name] = read(content[name], member.type)
        except msgspec.ValidationError as error:
            errors[name] = [_what_fits(member.type) or str(error)]
        except UNREADABLE as error:
            raise Malformed("The body is not JSON.") from error
    if errors:
        raise Invalid(_printable(errors))
    return schema(**values)


def _what_fits(kind: Any) -> str:
    """For a member with few values, those values."""
    for part in (kind, *typing.get_args(kind)):
        if isinstance(part, type) and issubclass(part, Enum):
            values: Iterable[str] = part
        elif typing.get_origin(part) is typing.Literal:
            values = typing.get_args(part)
        else:
            continue
        return said("Use one of: %(values)s.", values=", ".join(values))
    return ""


def _printable(errors: dict[str, list[str]]) -> Errors:
    return {name[:100]: reasons for name, reasons in errors.items()}
