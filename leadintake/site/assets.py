"""Static files with a hash of their content in the name, cached for a year.

No build step: a bundle is joined, hashed and compressed on first use.
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

from flask import Flask, Response, current_app, url_for

from leadintake.core.errors import NotFound
from leadintake.core.http.compression import negotiate
from leadintake.site import theme

STATIC = files("leadintake.site") / "static"
BUNDLES = {
    "page.css": ("vendor/pico.min.css", "page.css"),
    "desk.css": ("vendor/pico.min.css", "page.css", "desk.css"),
    "icon.svg": ("icon.svg",),
    "icon-180.png": ("icon-180.png",),
    "icon-512.png": ("icon-512.png",),
    "intake.js": ("intake.js",),
    "proof.js": ("proof.js",),
    "frame.js": ("frame.js",),
    "embed.js": ("embed.js",),
    "solver.js": ("solver.js",),
    "desk.js": ("vendor/htmx.min.js", "desk.js", "bulk.js"),
    "docs.css": ("vendor/swagger-ui.css", "docs.css"),
    "docs.js": ("vendor/swagger-ui-bundle.js", "docs.js"),
}
"""Parts of each file: one response instead of several."""
LOGOS = {"logo": "FIRM_LOGO", "logo-dark": "FIRM_LOGO_DARK"}
"""Settings with the pictures, by plain name."""
AN_HOUR = "public, max-age=3600"
A_YEAR = "public, max-age=31536000, immutable"
A_DAY = "public, max-age=86400"
COMPRESSIBLE = ("text/", "image/svg")
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}


@dataclass(frozen=True)
class Asset:
    """A file as sent. `compressed`: None if compression does not help."""

    name: str
    content_type: str
    content: bytes
    compressed: bytes | None


def init_app(app: Flask) -> None:
    """Let templates call `asset("page.css")` for the address."""
    app.jinja_env.globals["asset"] = build_address


def build_address(name: str) -> str:
    """Return the address of a file by its plain name."""
    return url_for("site.static", name=find_asset(name).name)


def find_asset(name: str) -> Asset:
    """Return a bundle or a logo of the firm by its plain name. Raises KeyError."""
    if name in LOGOS:
        return _read_logo(name, Path(current_app.config[LOGOS[name]]))
    return _build_bundle(name, current_app.config["ACCENT_COLOR"])


def serve(name: str) -> Response:
    """Respond with a file by its hashed name. Raises NotFound, also for outdated names."""
    plain = [*BUNDLES, *(logo for logo, setting in LOGOS.items() if current_app.config[setting])]
    found = next((asset for asset in map(find_asset, plain) if asset.name == name), None)
    if found is None:
        raise NotFound("There is no such file, or it has changed. Please load the page again.")
    return _respond(found, A_YEAR)


def serve_embedder() -> Response:
    """Respond with the script for the firm's own pages, under a name that stays."""
    response = _respond(find_asset("embed.js"), AN_HOUR)
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


def _respond(asset: Asset, caching: str) -> Response:
    response = Response(asset.content, content_type=asset.content_type)
    if (content := asset.compressed) is not None:
        negotiate(response, lambda: content)
    response.headers["Cache-Control"] = caching
    return response


def serve_logo() -> Response:
    """Respond with the logo under no hashed name, kept for a day. Raises NotFound where there is none."""
    if not current_app.config["FIRM_LOGO"]:
        raise NotFound("There is no logo.")
    logo = find_asset("logo")
    response = Response(logo.content, content_type=logo.content_type)
    response.headers["Cache-Control"] = A_DAY
    # Mail programs and other sites' previews fetch it from elsewhere.
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


@functools.cache
def _build_bundle(name: str, accent: str) -> Asset:
    parts = [(STATIC / part).read_bytes() for part in BUNDLES[name]]
    if name.endswith(".css"):
        parts.append(theme.build_sheet(accent).encode())
    return _build_asset(name, TYPES[Path(name).suffix], lambda: b"\n".join(parts))


@functools.cache
def _read_logo(name: str, path: Path) -> Asset:
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return _build_asset(f"{name}{path.suffix}", kind, path.read_bytes)


def _build_asset(name: str, kind: str, read: Callable[[], bytes]) -> Asset:
    content = read()
    stem, _, suffix = name.rpartition(".")
    hashed_name = f"{stem}.{hashlib.sha256(content).hexdigest()[:12]}.{suffix}"
    is_compressible = kind.startswith(COMPRESSIBLE)
    return Asset(hashed_name, kind, content, gzip.compress(content, 9, mtime=0) if is_compressible else None)
