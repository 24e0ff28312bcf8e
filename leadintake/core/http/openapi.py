"""The OpenAPI 3.1 document, built from the interfaces of views."""

from __future__ import annotations

import http
import inspect
import re
from collections.abc import Mapping
from typing import Any

import msgspec
from flask import Flask
from werkzeug.routing import Rule

from leadintake.core.errors import SENTENCES
from leadintake.core.http.access import SIGNED_IN
from leadintake.core.http.api import Interface

REF = "#/components/schemas/{name}"
NO_BODY = None
ORDER = ("public", "internal")
"""First parts of endpoints in the order of the document; others come last."""


class Problem(msgspec.Struct):
    """RFC 9457 problem details, as every error has them."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    request_id: str
    errors: dict[str, list[str]] | msgspec.UnsetType = msgspec.UNSET


def document(app: Flask, version: str) -> dict[str, Any]:
    """Describe every view that has an interface."""
    views: list[tuple[Rule, Any]] = [
        (rule, app.view_functions[rule.endpoint])
        for rule in app.url_map.iter_rules()
        if hasattr(app.view_functions[rule.endpoint], "interface")
    ]
    schemas = _schemas([view.interface for _, view in views])
    paths: dict[str, dict[str, Any]] = {}
    ordered = sorted(views, key=lambda pair: _place(pair[0]))
    for rule, view in ordered:
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            paths.setdefault(path, {})[method.lower()] = _operation(
                rule, view, method, schemas.find, app.config
            )
    return {
        "openapi": "3.1.0",
        "info": {"title": "leadintake", "version": version, "description": "The front door of a law firm."},
        "tags": [{"name": name} for name in dict.fromkeys(_tag(rule) for rule, _ in ordered)],
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "securitySchemes": {
                "session": {"type": "apiKey", "in": "cookie", "name": app.config["SESSION_COOKIE_NAME"]},
                "csrf": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "X-CSRFToken",
                    "description": "The csrf_token of the session, for all that changes something.",
                },
                "token": {"type": "http", "scheme": "bearer"},
            },
        },
    }


def _tag(rule: Rule) -> str:
    """Return the room of a view: the last blueprint, but all of `public` is one."""
    rooms: list[str] = rule.endpoint.split(".")[:-1]
    return rooms[0] if rooms[0] == ORDER[0] else rooms[-1].replace("_", " ")


def _place(rule: Rule) -> int:
    first = rule.endpoint.partition(".")[0]
    return ORDER.index(first) if first in ORDER else len(ORDER)


class _Schemas:
    def __init__(self, structs: list[Any]) -> None:
        found, self.components = msgspec.json.schema_components(structs, ref_template=REF)
        self._by_struct = list(zip(structs, found, strict=True))

    def find(self, struct: Any) -> dict[str, Any]:
        return next(schema for known, schema in self._by_struct if known is struct)


def _schemas(interfaces: list[Interface]) -> _Schemas:
    structs: list[Any] = [Problem]
    for interface in interfaces:
        structs += [interface.json] if interface.json else []
        structs += [member.type for member in msgspec.structs.fields(interface.query or msgspec.Struct)]
        for answer in interface.answers.values():
            structs += answer if isinstance(answer, tuple) else [answer]
    structs = [struct for struct in structs if not isinstance(struct, str | None)]
    return _Schemas(structs)


def _operation(
    rule: Rule, view: Any, method: str, schema_of: Any, settings: Mapping[str, Any]
) -> dict[str, Any]:
    interface: Interface = view.interface
    text = inspect.getdoc(view) or ""
    summary, _, description = text.partition("\n")
    operation: dict[str, Any] = {
        "operationId": rule.endpoint.replace(".", "_"),
        "tags": [_tag(rule)],
        "summary": summary,
        "description": " ".join(description.split()),
        "parameters": _parameters(rule, interface),
        "responses": {
            str(status): _answer(status, kind, schema_of) for status, kind in interface.answers.items()
        },
    }
    guarded = bool(getattr(view, "permission", None))
    refuses = {*interface.refuses, 422} | ({401, 403} if guarded else set())
    if interface.json or interface.form:
        refuses |= {400, 413, 415}
        content = {"application/json": {"schema": schema_of(interface.json)}} if interface.json else {}
        if interface.form:
            content["multipart/form-data"] = {"schema": interface.form(settings)}
        operation["requestBody"] = {"required": True, "content": content}
    if guarded:
        session: dict[str, list[str]] = {"session": []} if method == "GET" else {"session": [], "csrf": []}
        operation["security"] = [session] if view.permission == SIGNED_IN else [session, {"token": []}]
    for status in sorted(refuses | {500, 503}):
        operation["responses"][str(status)] = {
            "description": SENTENCES.get(status, http.HTTPStatus(status).phrase),
            "content": {"application/problem+json": {"schema": schema_of(Problem)}},
        }
    return operation


def _parameters(rule: Rule, interface: Interface) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": _path_schema(rule, name)}
        for name in sorted(rule.arguments)
    ]
    if interface.query is not None:
        for member in msgspec.structs.fields(interface.query):
            (schema,), _ = msgspec.json.schema_components([member.type], ref_template=REF)
            found.append({"name": member.encode_name, "in": "query", "required": False, "schema": schema})
    headers = [
        {"name": name, "in": "header", "required": False, "schema": {"type": "string"}}
        for name in interface.headers
    ]
    return found + headers


def _path_schema(rule: Rule, name: str) -> dict[str, Any]:
    return getattr(rule._converters[name], "schema", {"type": "string", "format": "uuid"})


def _answer(status: int, kind: Any, schema_of: Any) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": http.HTTPStatus(status).phrase}
    if isinstance(kind, str):
        answer["content"] = {kind: {"schema": {"type": "string", "format": "binary"}}}
    elif isinstance(kind, tuple):
        schemas = [schema_of(struct) for struct in kind]
        answer["content"] = {"application/json": {"schema": {"anyOf": schemas}}}
    elif kind is not NO_BODY:
        answer["content"] = {"application/json": {"schema": schema_of(kind)}}
    return answer
