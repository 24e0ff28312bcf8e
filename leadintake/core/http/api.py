"""The interface of a view, declared once: enforced, and printed in the OpenAPI document."""

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

from leadintake.core.errors import (
    PAGE_SENTENCES,
    SENTENCES,
    BadRequest,
    Errors,
    UnprocessableContent,
    UnsupportedMediaType,
)
from leadintake.core.i18n.languages import N_, _

View = TypeVar("View", bound=Callable[..., Any])
Schema = TypeVar("Schema", bound=msgspec.Struct)

DescribeForm = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""Makes the JSON schema of a form from the settings."""
JSON_ERRORS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""msgspec's errors for bytes that are no JSON; ValidationError, for JSON of another type, is a subclass."""
MAX_UNKNOWN = 100
"""Limit of unknown members that an answer names."""


@dataclass(frozen=True)
class Interface:
    """`answers`: per status a schema, a tuple of schemas, or the content type of other bytes.

    `form` describes what the view takes as multipart/form-data, which depends on the settings. A view with
    both takes either.
    """

    answers: Mapping[int, Any]
    json: type[msgspec.Struct] | None = None
    query: type[msgspec.Struct] | None = None
    form: DescribeForm | None = None
    headers: tuple[str, ...] = ()
    refuses: tuple[int, ...] = field(default=())


def api(
    answers: Mapping[int, Any],
    *,
    json: type[msgspec.Struct] | None = None,
    query: type[msgspec.Struct] | None = None,
    form: DescribeForm | None = None,
    headers: tuple[str, ...] = (),
    refuses: tuple[int, ...] = (),
) -> Callable[[View], View]:
    """Pass validated `json` and `query` to a view, and describe its interface. `json` is None for a form.

    Raises UnprocessableContent for unknown members and parameters, BadRequest for a body that is not JSON,
    UnsupportedMediaType for another content type.
    """
    interface = Interface(answers, json, query, form, headers, refuses)

    def mark(view: View) -> View:
        @functools.wraps(view)
        def call(**arguments: Any) -> Any:
            found = _query_of(query)
            if query is not None:
                arguments["query"] = found
            if json is not None:
                is_form = form is not None and request.mimetype == "multipart/form-data"
                arguments["json"] = None if is_form else _body_of(json)
            return view(**arguments)

        call.interface = interface  # type: ignore[attr-defined] # a mark on a function
        return call  # type: ignore[return-value] # same call, after validation

    return mark


def respond(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with a schema as JSON."""
    body = msgspec.json.encode(content)
    return Response(body, status, dict(headers or {}), content_type="application/json")


def if_match() -> frozenset[str] | None:
    """Return the versions that If-Match names (RFC 9110, 13.1.1); None where any will do.

    Of an entity tag `version.rest` only the version counts.
    """
    if "If-Match" not in request.headers or request.if_match.star_tag:
        return None
    return frozenset((tag or "").partition(".")[0] for tag in request.if_match.as_set())


def _body_of(schema: type[msgspec.Struct]) -> msgspec.Struct:
    if request.mimetype != "application/json" or request.content_encoding:
        raise UnsupportedMediaType(
            "Send a body of type application/json, not compressed.", page=PAGE_SENTENCES[415]
        )
    body = request.get_data()
    try:
        body.decode()  # a skipped member is not decoded below
        content = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except msgspec.ValidationError as error:
        if not _is_json(body):
            raise BadRequest("The body is not JSON.", page=SENTENCES[400]) from error
        raise UnprocessableContent({"body": ["Send an object."]}) from error
    except JSON_ERRORS as error:
        raise BadRequest("The body is not JSON.", page=SENTENCES[400]) from error
    return _build(schema, content, lambda raw, kind: msgspec.json.decode(raw, type=kind))


def _is_json(body: bytes) -> bool:
    """Return whether the body is JSON of any type, without building objects."""
    try:
        msgspec.json.decode(body, type=msgspec.Raw)
    except JSON_ERRORS:
        return False
    return True


def _query_of(schema: type[msgspec.Struct] | None) -> msgspec.Struct | None:
    content = {name: values[0] for name, values in request.args.lists()}
    repeated = {
        name: [N_("Give this only once.")] for name, values in request.args.lists() if len(values) > 1
    }
    if repeated:
        raise UnprocessableContent(repeated)
    if schema is None:
        if content:
            raise UnprocessableContent(
                {name: [N_("This address takes no such parameter.")] for name in content}
            )
        return None
    return validate(schema, content, strict=False)


def validate(schema: type[Schema], content: Mapping[str, Any], *, strict: bool) -> Schema:
    """Build `schema` from `content`. Raises UnprocessableContent, which names every wrong member."""
    return _build(schema, content, lambda value, kind: msgspec.convert(value, kind, strict=strict))


def _build(schema: type[Schema], content: Mapping[str, Any], read: Callable[[Any, Any], Any]) -> Schema:
    """Build `schema`; `read` converts each member to its type, so that no untyped objects are built."""
    known = _members_of(schema)
    errors: dict[str, list[str]] = {
        name: [N_("There is no such field.")]
        for name in itertools.islice((name for name in content if name not in known), MAX_UNKNOWN)
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
            errors[name] = [_list_values(member.type) or str(error)]
        except JSON_ERRORS as error:
            raise BadRequest("The body is not JSON.", page=SENTENCES[400]) from error
    if errors:
        raise UnprocessableContent(_printable(errors))
    return schema(**values)


@functools.cache
def _members_of(schema: type[msgspec.Struct]) -> Mapping[str, msgspec.structs.FieldInfo]:
    return {member.encode_name: member for member in msgspec.structs.fields(schema)}


def _list_values(kind: Any) -> str:
    """Return the values of an enum or Literal, as a sentence."""
    for part in (kind, *typing.get_args(kind)):
        if isinstance(part, type) and issubclass(part, Enum):
            values: Iterable[str] = part
        elif typing.get_origin(part) is typing.Literal:
            values = typing.get_args(part)
        else:
            continue
        return _("Use one of: %(values)s.", values=", ".join(values))
    return ""


def _printable(errors: dict[str, list[str]]) -> Errors:
    return {name[:100]: reasons for name, reasons in errors.items()}
