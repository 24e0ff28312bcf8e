"""Every place of every route where somebody's text goes in, found by walking the address map."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import msgspec
from flask import Flask
from werkzeug.test import EnvironBuilder

from leadintake.core.http import lengths
from tests.support.leads import MULTIPART, body_of, good_parts, part

PACKAGE = Path(__file__).parents[2] / "leadintake"
HEADERS = sorted(lengths.OPTIONAL_HEADERS | lengths.DECISIVE_HEADERS)
MAX_HEADER_LENGTH, MAX_ADDRESS_LENGTH, MAX_BODY_LENGTH, MAX_FORM_LENGTH = 64_000, 60_000, 62_000, 250_000
"""Bytes that servers and the bounds on bodies let through."""
END_THE_SESSION = {
    ("DELETE", "/internal/session"), ("DELETE", "/internal/sessions"),
    ("POST", "/desk/sign-out"), ("POST", "/desk/account/sign-out-everywhere"),
}  # fmt: skip
Environ = dict[str, Any]


@dataclass(frozen=True)
class Route:
    """A method of an address, with ids of what is there in the place of its variables."""

    method: str
    rule: str
    path: str
    interface: Any
    is_open: bool
    fields: tuple[str, ...] = ()
    """Names of what its form takes, as it is with the settings of the application."""

    @property
    def takes_forms(self) -> bool:
        """Whether a page posts a form here."""
        return self.method == "POST" and self.rule.startswith(("/desk", "/account", "/unsubscribe"))


@dataclass(frozen=True)
class Place:
    """A text input: what it is called, how many bytes go in, and the request with a text there."""

    name: str
    most: int
    ask: Callable[[str], Environ] = field(compare=False)


def routes(app: Flask, ids: Mapping[str, uuid.UUID]) -> list[Route]:
    """Every method of every address but HEAD and OPTIONS, which are their GET's."""
    found = []
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<(?:uuid|lead):(\w+)>", lambda name: str(ids.get(name[1], uuid.uuid4())), rule.rule)
        path = re.sub(r"<\w+>", "something", path)
        view = app.view_functions[rule.endpoint]
        marks = getattr(view, "interface", None), getattr(view, "permission", None) is None
        form = marks[0].form(app.config) if marks[0] and marks[0].form else {"properties": {}}
        fields = tuple(form["properties"])
        found += [
            Route(method, rule.rule, path, *marks, fields) for method in rule.methods - {"HEAD", "OPTIONS"}
        ]
    return sorted(found, key=lambda route: (route.rule, route.method))


class Inputs:
    """The places of an application, as somebody reaches them who has this cookie and this token."""

    def __init__(self, known: list[Route], cookie: str = "", token: str = "") -> None:
        self.routes, self.cookie, self.token = known, cookie, token

    def every(self) -> Iterator[Place]:
        """All of them."""
        for route in self.routes:
            yield from self.headers(route)
            yield from self.addresses(route)
            yield from self.bodies(route)

    def get(self, path: str) -> Environ:
        """A plain request."""
        return self._begun(Route("GET", path, path, None, is_open=False))

    def headers(self, route: Route) -> Iterator[Place]:
        """Each header by itself where any stands for all, and everywhere all of them at once."""
        if (route.method, route.rule) in EVERY_HEADER:
            for name, bound in (lengths.OPTIONAL_HEADERS | lengths.DECISIVE_HEADERS).items():
                for most in {MAX_HEADER_LENGTH, bound}:
                    yield self._header(route, {name: most}, most)
        yield self._header(route, lengths.OPTIONAL_HEADERS | lengths.DECISIVE_HEADERS, MAX_HEADER_LENGTH)

    def addresses(self, route: Route) -> Iterator[Place]:
        """Every variable of the path, what follows it, every parameter and one that nobody knows."""
        name = f"{route.method} {route.rule}"
        for most in (MAX_ADDRESS_LENGTH, lengths.MAX_PATH_LENGTH - 300):
            start = next(iter(_starts(route)), f"{route.path}/")
            yield Place(f"{name} path {most}", most, self._on_path(route, start))
        names = _names(route.interface.query) if route.interface and route.interface.query else []
        for parameter in [*names, "next", "lang"]:
            most = lengths.MAX_QUERY_LENGTH - 300
            yield Place(f"{name} ?{parameter}=", most, self._in_query(route, parameter))
        for most in (lengths.MAX_QUERY_LENGTH, MAX_ADDRESS_LENGTH):
            yield Place(f"{name} ? {most}", most, self._as_query(route))

    def bodies(self, route: Route) -> Iterator[Place]:
        """Every member of JSON, every field of a form, names of fields and of files, and no form at all."""
        name = f"{route.method} {route.rule}"
        if route.interface and route.interface.json:
            for path in _members(route.interface.json):
                yield Place(f"{name} JSON {'.'.join(path)}", MAX_BODY_LENGTH, self._in_json(route, path))
            yield Place(f"{name} JSON names", MAX_BODY_LENGTH, self._as_names(route))
            yield Place(f"{name} JSON", MAX_BODY_LENGTH, self._as_json(route))
        if route.fields:
            for text in [*route.fields, "remarks", "x"]:
                yield Place(f"{name} part {text}", MAX_FORM_LENGTH, self._in_part(route, text))
            for piece in ("parts", *SHAPES):
                yield Place(f"{name} multipart {piece}", MAX_FORM_LENGTH, self._around_parts(route, piece))
        if route.takes_forms:
            for text in FIELDS:
                yield Place(f"{name} field {text}", MAX_BODY_LENGTH, self._in_form(route, text))
            yield Place(f"{name} form", MAX_BODY_LENGTH, self._as_form(route))

    def _header(self, route: Route, names: Mapping[str, int], most: int) -> Place:
        def ask(text: str) -> Environ:
            # As servers let them through: bytes as Latin-1 (PEP 3333), no line ends, no zero bytes.
            written = text.encode().decode("latin-1").translate(NO_CONTROLS)
            headers = self._begun(route)
            for name, bound in names.items():
                before = {"COOKIE": f"{self.cookie}; ", "CONTENT_TYPE": FORM_DATA}.get(name, "")
                if len(names) == 1 or name not in {"COOKIE", "AUTHORIZATION", "X_CSRFTOKEN"}:
                    variable = name if name == "CONTENT_TYPE" else f"HTTP_{name}"
                    headers[variable] = f"{before}{written}"[:bound]
            return headers

        what = f"{next(iter(names))} {most}" if len(names) == 1 else "headers"
        return Place(f"{route.method} {route.rule} {what}", most, ask)

    def _on_path(self, route: Route, start: str) -> Callable[[str], Environ]:
        return lambda text: self._begun(route) | {"PATH_INFO": f"{start}{text}".encode().decode("latin-1")}

    def _in_query(self, route: Route, name: str) -> Callable[[str], Environ]:
        def ask(text: str) -> Environ:
            query = f"{name}={quote(text)}"[: lengths.MAX_QUERY_LENGTH]
            return self._begun(route) | {"QUERY_STRING": query}

        return ask

    def _as_query(self, route: Route) -> Callable[[str], Environ]:
        def ask(text: str) -> Environ:
            return self._begun(route) | {"QUERY_STRING": text.encode().decode("latin-1")}

        return ask

    def _in_json(self, route: Route, path: tuple[str, ...]) -> Callable[[str], Environ]:
        def ask(text: str) -> Environ:
            content: Any = text
            for name in reversed(path):
                content = {name: content}
            return self._sent(route, msgspec.json.encode(content)[:MAX_BODY_LENGTH], "application/json")

        return ask

    def _as_names(self, route: Route) -> Callable[[str], Environ]:
        def ask(text: str) -> Environ:
            names = ",".join(f'"{place}{json.dumps(text[:3])[1:-1]}":1' for place in range(len(text) // 12))
            return self._sent(route, f"{{{names}}}".encode(), "application/json")

        return ask

    def _as_json(self, route: Route) -> Callable[[str], Environ]:
        return lambda text: self._sent(route, text.encode(), "application/json")

    def _in_part(self, route: Route, name: str) -> Callable[[str], Environ]:
        def ask(text: str) -> Environ:
            named = "resume.txt" if name == "resume_file" else None
            parts = good_parts() | {"resume_file": part("resume_file", "A resume.", "resume.txt")}
            return self._sent(
                route, body_of(*(parts | {name: part(name, text.encode(), named)}).values()), MULTIPART
            )

        return ask

    def _around_parts(self, route: Route, piece: str) -> Callable[[str], Environ]:
        def ask(text: str) -> Environ:
            if piece == "parts":
                each = [part(f"x{place}", text[: len(text) // 40]) for place in range(40)]
                return self._sent(route, body_of(*each), MULTIPART)
            boundary = MULTIPART.partition("boundary=")[2].encode()
            before = b"--%s\r\nContent-Disposition: form-data; " % boundary
            body = SHAPES[piece].replace(b"...", before).replace(b"TEXT", text.encode())
            return self._sent(route, body_of(body), MULTIPART)

        return ask

    def _in_form(self, route: Route, name: str) -> Callable[[str], Environ]:
        def ask(text: str) -> Environ:
            fields = {"csrf_token": self._token_for(route), name: text}
            body = "&".join(f"{one}={quote_plus(value)}" for one, value in fields.items())
            return self._sent(route, body.encode()[:MAX_BODY_LENGTH], FORM)

        return ask

    def _as_form(self, route: Route) -> Callable[[str], Environ]:
        return lambda text: self._sent(route, text.encode(), FORM)

    def _sent(self, route: Route, body: bytes, kind: str) -> Environ:
        more = {"CONTENT_TYPE": kind, "CONTENT_LENGTH": str(len(body)), "wsgi.input": BytesIO(body)}
        return self._begun(route) | more

    def _begun(self, route: Route) -> Environ:
        environ = EnvironBuilder(method=route.method, path="/").get_environ() | {"PATH_INFO": route.path}
        if self.cookie:
            environ |= {"HTTP_COOKIE": self.cookie, "HTTP_X_CSRFTOKEN": self._token_for(route)}
        return environ

    def _token_for(self, route: Route) -> str:
        """The token of the session; a forged one for what would end it, or delete what the rest is about."""
        ends = route.method == "DELETE" or (route.method, route.rule) in END_THE_SESSION
        return "forged" if ends else self.token


EVERY_HEADER = {
    ("GET", "/"),
    ("POST", "/public/leads"),
    ("GET", "/desk"),
    ("PATCH", "/internal/leads/<lead:lead_id>"),
}
SHAPES = {
    "name": b'...name="TEXT"\r\n\r\nx\r\n',
    "filename": b'...name="resume_file"; filename="TEXT"\r\n\r\nx\r\n',
    "filename*": b"...name=resume_file; filename*=utf-8''TEXT\r\n\r\nx\r\n",
    "kind": b'...name="email"\r\nContent-Type: text/plain; TEXT\r\n\r\nx\r\n',
    "headers": b'...name="email"\r\nX: TEXT\r\n\r\nx\r\n',
    "between": b'...name="email"\r\n\r\nx\r\nTEXT',
}
"""What may stand around the parts of a body."""
FORM_DATA = "multipart/form-data; boundary=x; "
FORM = "application/x-www-form-urlencoded"
NO_CONTROLS = dict.fromkeys([*range(32), 127])
FIELDS = sorted(
    {
        name
        for page in PACKAGE.rglob("templates/**/*.html")
        for name in re.findall(r'name="(\w+)"', page.read_text())
    }
    - {"viewport", "robots", "disclaimer"}
    | {"first_day", "last_day", "substitute_id", "current_password", "new_password", "code", "name", "x"}
)
"""What forms of the pages have."""


def _starts(route: Route) -> list[str]:
    """The path up to each of its variables."""
    return [re.sub(r"<[^>]+>", "x", route.rule[: found.start()]) for found in re.finditer("<", route.rule)]


def _names(schema: type[msgspec.Struct]) -> list[str]:
    return [member.encode_name for member in msgspec.structs.fields(schema)]


def _members(schema: type[msgspec.Struct], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for member in msgspec.structs.fields(schema):
        path = (*above, member.encode_name)
        yield path
        if isinstance(member.type, type) and issubclass(member.type, msgspec.Struct):
            yield from _members(member.type, path)


def answer(app: Flask, inputs: Inputs, environ: Environ) -> int:
    """Send the request, read the whole answer, and return its status."""
    told: list[Any] = []

    def start(line: str, headers: list[tuple[str, str]], error: Any = None) -> Callable[[bytes], object]:
        told[:] = [int(line[:3]), headers]
        return lambda _: None

    body = app.wsgi_app(environ, start)
    try:
        for _piece in body:
            pass
    finally:
        getattr(body, "close", lambda: None)()
    for name, value in told[1]:
        if name == "Set-Cookie" and value.startswith(f"{app.config['SESSION_COOKIE_NAME']}="):
            inputs.cookie = value.partition(";")[0]  # the session goes on under another
    return int(told[0])
