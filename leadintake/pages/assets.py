"""Static files under names that say their content: kept by browsers for a year, compressed once.

Nothing is built beforehand: a sheet is put together, hashed and compressed when it is first asked for.
"""

from __future__ import annotations

import functools
import gzip
import hashlib
import mimetypes
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from flask import Flask, Response, current_app, request, url_for

from leadintake.core.errors import NotFound
from leadintake.pages import theme

STATIC = files("leadintake.pages") / "static"
BUNDLES = {
    "page.css": ("vendor/pico.min.css", "page.css"),
    "desk.css": ("vendor/pico.min.css", "page.css", "desk.css"),
    "icon.svg": ("icon.svg",),
    "intake.js": ("intake.js",),
    "proof.js": ("proof.js",),
    "solver.js": ("solver.js",),
    "desk.js": ("vendor/htmx.min.js", "desk.js"),
}
"""What is sent as one file: a page waits for one answer before it can be painted."""
A_YEAR = "public, max-age=31536000, immutable"
WORTH_COMPRESSING = ("text/", "image/svg")
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True)
class Asset:
    """A file as it is sent. `compressed` is None for what does not shrink."""

    name: str
    content_type: str
    content: bytes
    compressed: bytes | None


def init_app(app: Flask) -> None:
    """Let templates say `asset("page.css")` and get the address of what it is now."""
    app.jinja_env.globals["asset"] = address


def address(name: str) -> str:
    """Where the file of this plain name is served."""
    return url_for("pages.static", name=named(name).name)


def named(name: str) -> Asset:
    """The file with this plain name: a bundle, or the firm's logo. Raises KeyError."""
    if name == "logo":
        return _logo(Path(current_app.config["FIRM_LOGO"]))
    return _bundle(name, current_app.config["ACCENT_COLOR"])


def serve(name: str) -> Response:
    """Answer with the file of this hashed name. Raises NotFound, also for a name of yesterday."""
    plain = [*BUNDLES, *(["logo"] if current_app.config["FIRM_LOGO"] else [])]
    found = next((asset for asset in map(named, plain) if asset.name == name), None)
    if found is None:
        raise NotFound("There is no such file, or it has changed. Please load the page again.")
    response = Response(found.content, content_type=found.content_type)
    if found.compressed is not None:
        response.vary.add("Accept-Encoding")
        if request.accept_encodings["gzip"]:
            response.data = found.compressed
            response.content_encoding = "gzip"
    response.headers["Cache-Control"] = A_YEAR
    return response


@functools.cache
def _bundle(name: str, accent: str) -> Asset:
    parts = [(STATIC / part).read_bytes() for part in BUNDLES[name]]
    if name.endswith(".css"):
        parts.append(theme.sheet(accent).encode())
    return _asset(name, TYPES[Path(name).suffix], lambda: b"\n".join(parts))


@functools.cache
def _logo(path: Path) -> Asset:
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return _asset(f"logo{path.suffix}", kind, path.read_bytes)


def _asset(name: str, kind: str, read: Callable[[], bytes]) -> Asset:
    content = read()
    stem, _, suffix = name.rpartition(".")
    hashed = f"{stem}.{hashlib.sha256(content).hexdigest()[:12]}.{suffix}"
    shrinks = kind.startswith(WORTH_COMPRESSING)
    return Asset(hashed, kind, content, gzip.compress(content, 9, mtime=0) if shrinks else None)
