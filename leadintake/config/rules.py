"""Validation of settings beyond types, ranges and patterns.

A check is a pair: whether the setting is wrong, and the sentence that says so.
"""

from __future__ import annotations

import os
import re
from importlib.util import find_spec
from pathlib import Path

import limits
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from leadintake.assignment import policy
from leadintake.config.appearance import check_appearance
from leadintake.config.hosts import is_ip, is_loopback
from leadintake.config.receivers import check_receivers
from leadintake.config.settings import Settings
from leadintake.config.sign_in import check_sign_in
from leadintake.core.clock import is_zone
from leadintake.core.phones import is_region

MIN_SECRET_LENGTH = 32
ORIGIN = re.compile(r"https?://[^/?#@\s]+")
SOCKET = re.compile(r"unix:(/.+)")
HOST_AND_PORT = re.compile(r"(?:tcp://)?(\[.+\]|[\w-]{1,63}(?:\.[\w-]{1,63})*):(\d{1,5})", re.ASCII)
MAX_SOCKET_PATH_LENGTH = 107
"""Bytes of a path in a socket address (unix(7))."""


def find_problems(settings: Settings) -> list[str]:
    """Return every problem of settings whose types and ranges are valid."""
    checks: list[tuple[bool, str]] = [
        (not _is_database(settings.DATABASE_URL), "DATABASE_URL: use a sqlite, postgresql or mysql URL"),
        (
            bool(settings.DATABASE_POOLER) and not settings.DATABASE_URL.startswith("postgres"),
            "DATABASE_POOLER: it is for PostgreSQL; name its address in DATABASE_URL",
        ),
        (not _is_storage(settings.STORAGE_URL), "STORAGE_URL: use file:PATH, s3://, gs:// or az://"),
        (
            not ORIGIN.fullmatch(settings.PUBLIC_URL.rstrip("/")),
            "PUBLIC_URL: use http(s)://host without a path",
        ),
        (
            bool(settings.MAIL_USE_SSL and settings.MAIL_USE_TLS),
            "MAIL_USE_SSL and MAIL_USE_TLS: switch one of them off",
        ),
        (bool(settings.MAIL_FOLDER and settings.MAIL_SERVER), "MAIL_FOLDER: MAIL_SERVER is set; keep one"),
        (bool(settings.MAIL_PASSWORD) and not settings.MAIL_USERNAME, "MAIL_PASSWORD without MAIL_USERNAME"),
        (
            bool(settings.REDIS_URL) and find_spec("redis") is None,
            "REDIS_URL: install the client first: pip install 'leadintake[redis]'",
        ),
        (
            bool(settings.CLAMD_ADDRESS) and not _is_clamd(settings.CLAMD_ADDRESS),
            "CLAMD_ADDRESS: use unix:/path/of/its/socket, tcp://host:port or host:port",
        ),
        (
            settings.SCANNER_AWAY == "accept" and not settings.CLAMD_ADDRESS,
            "SCANNER_AWAY: without CLAMD_ADDRESS no file is scanned at all",
        ),
        (
            bool(settings.PHONE_REGION) and not is_region(settings.PHONE_REGION),
            "PHONE_REGION: use the two capital letters of a country (ISO 3166), such as US or DE",
        ),
        (
            bool(settings.TIMEZONE) and not is_zone(settings.TIMEZONE),
            f"TIMEZONE: {settings.TIMEZONE!r} is not a time zone such as America/New_York",
        ),
        (
            settings.ALTCHA and find_spec("altcha") is None,
            "ALTCHA: install the library first: pip install 'leadintake[altcha]'",
        ),
        (
            settings.TRACES and not _can_trace(),
            "TRACES: install the libraries first: pip install 'leadintake[otel]'",
        ),
    ]
    checks += [
        (not _is_rate(getattr(settings, name)), f"{name}: write limits such as '60 per minute; 600 per hour'")
        for name in ("RATE_LIMIT_SUBMISSIONS", "RATE_LIMIT_LOGINS")
    ]
    checks += [
        (
            not ORIGIN.fullmatch(origin),
            f"EMBED_ORIGINS: {origin!r} is not an origin such as https://www.firm.example",
        )
        for origin in settings.EMBED_ORIGINS
    ]
    checks += (
        check_appearance(settings)
        + check_receivers(settings)
        + _check_assignment(settings)
        + check_sign_in(settings)
    )
    if settings.ENVIRONMENT == "production":
        checks += _check_production(settings)
    return [problem for wrong, problem in checks if wrong]


def find_time_zone(settings: Settings) -> str:
    """Return the name of the firm's time zone, from settings without problems."""
    return settings.TIMEZONE or _read_policy(settings).timezone or "UTC"


def _read_policy(settings: Settings) -> policy.Policy:
    known = {"practice_areas": settings.PRACTICE_AREAS, "languages": settings.LANGUAGES}
    path = settings.ASSIGNMENT_POLICY
    return policy.read(Path(path), **known) if path else policy.Policy()


def _check_assignment(settings: Settings) -> list[tuple[bool, str]]:
    try:
        _read_policy(settings)
    except ValueError as error:
        return [(True, f"ASSIGNMENT_POLICY: {problem}") for problem in str(error).splitlines()]
    return []


def _check_production(settings: Settings) -> list[tuple[bool, str]]:
    in_clear = bool(settings.MAIL_SERVER) and not (settings.MAIL_USE_TLS or settings.MAIL_USE_SSL)
    debugging = os.environ.get("FLASK_DEBUG", "0").lower() not in {"", "0", "false", "no"}
    return [
        (
            len(settings.SECRET_KEY) < MIN_SECRET_LENGTH,
            f"SECRET_KEY: production needs a secret of its own, {MIN_SECRET_LENGTH} characters or more",
        ),
        (not settings.PUBLIC_URL.startswith("https://"), "PUBLIC_URL: production needs https://"),
        (
            not (settings.MAIL_SERVER or settings.MAIL_FOLDER),
            "MAIL_SERVER: production mails people; for a trial name a folder instead: MAIL_FOLDER=mail",
        ),
        (debugging, "ENVIRONMENT: production does not start with FLASK_DEBUG on"),
        (
            in_clear and not is_loopback(settings.MAIL_SERVER),
            "MAIL_USE_TLS: production does not send mail in clear to another machine",
        ),
    ]


def _can_trace() -> bool:
    try:
        exporter = find_spec("opentelemetry.exporter.otlp.proto.http")
    except ModuleNotFoundError:  # its parents are missing too
        return False
    return exporter is not None and find_spec("opentelemetry.sdk") is not None


def _is_database(url: str) -> bool:
    try:
        backend = make_url(url).drivername.partition("+")[0] if url else "sqlite"
    except (ArgumentError, ValueError):
        return False
    return backend in {"sqlite", "postgresql", "postgres", "mysql", "mariadb"}


def _is_storage(url: str) -> bool:
    scheme, _, rest = url.partition(":")
    return (scheme == "file" and bool(rest)) or (scheme in {"s3", "gs", "az"} and len(rest) > 2)


def _is_clamd(address: str) -> bool:
    if path := SOCKET.fullmatch(address):
        return len(os.fsencode(path[1])) <= MAX_SOCKET_PATH_LENGTH
    place = HOST_AND_PORT.fullmatch(address)
    if place is None or not 0 < int(place[2]) < 65536:
        return False
    return not place[1].startswith("[") or is_ip(place[1][1:-1], version=6)


def _is_rate(text: str) -> bool:
    try:
        return not text or bool(limits.parse_many(text))
    except ValueError:
        return False
