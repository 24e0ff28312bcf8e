"""What the settings may be: judged one by one and against each other."""

from __future__ import annotations

import os
import re
from importlib.util import find_spec
from pathlib import Path

import limits
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from leadintake.assignment import policy
from leadintake.config.appearance import appearance
from leadintake.config.entering import entering
from leadintake.config.hosts import is_ip, is_loopback
from leadintake.config.receivers import receivers
from leadintake.config.settings import Settings
from leadintake.config.spam import spam

SHORTEST_SECRET = 32
ORIGIN = re.compile(r"https?://[^/?#@\s]+")
SOCKET = re.compile(r"unix:(/.+)")
HOST_AND_PORT = re.compile(r"(?:tcp://)?(\[.+\]|[\w-]{1,63}(?:\.[\w-]{1,63})*):(\d{1,5})", re.ASCII)
EHLO_NAME = re.compile(r"[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*|\[[A-Za-z0-9:.]{3,50}\]", re.ASCII)
"""As RFC 5321 (4.1.1.1) has it."""
LONGEST_SOCKET = 107
"""Bytes of a path in a socket address (unix(7))."""


def contradictions(settings: Settings) -> list[str]:
    """Judge the settings one by one and against each other."""
    checks: list[tuple[bool, str]] = [
        (not _is_database(settings.DATABASE_URL), "DATABASE_URL: use a sqlite, postgresql or mysql URL"),
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
        (not _is_address(settings.MAIL_DEFAULT_SENDER), "MAIL_DEFAULT_SENDER: use one plain e-mail address"),
        (
            bool(settings.MAIL_EHLO_NAME) and not EHLO_NAME.fullmatch(settings.MAIL_EHLO_NAME),
            "MAIL_EHLO_NAME: use a host name such as intake.firm.example, or [192.0.2.1] with its brackets",
        ),
        (not 0 < settings.MAIL_PORT < 65536, "MAIL_PORT: use a number from 1 to 65535"),
        (
            not 0 < settings.MAIL_TIMEOUT <= 10,
            "MAIL_TIMEOUT: use 1 to 10 seconds; a worker's lease outlasts it",
        ),
        (not 0 <= settings.TRUSTED_PROXIES <= 10, "TRUSTED_PROXIES: use a number from 0 to 10"),
        (
            bool(settings.REDIS_URL) and not settings.REDIS_URL.startswith(("redis://", "rediss://")),
            "REDIS_URL: use redis://host:port/number",
        ),
        (
            bool(settings.REDIS_URL) and find_spec("redis") is None,
            "REDIS_URL: install the client first: pip install 'leadintake[redis]'",
        ),
        (settings.DATABASE_POOL_SIZE < 2, "DATABASE_POOL_SIZE: use 2 or more"),
        (settings.MAX_UPLOAD_BYTES < 1024, "MAX_UPLOAD_BYTES: use 1024 or more"),
        (settings.BODIES_PER_ADDRESS < 0, "BODIES_PER_ADDRESS: use 1 or more, or 0 for no limit"),
        (
            bool(settings.CLAMD_ADDRESS) and not _is_clamd(settings.CLAMD_ADDRESS),
            "CLAMD_ADDRESS: use unix:/path/of/its/socket, tcp://host:port or host:port",
        ),
        (
            settings.SCANNER_AWAY == "accept" and not settings.CLAMD_ADDRESS,
            "SCANNER_AWAY: without CLAMD_ADDRESS no file is scanned at all",
        ),
        (settings.CONFIRMATIONS_PER_DAY < 1, "CONFIRMATIONS_PER_DAY: use 1 or more"),
        (settings.SESSION_IDLE_MINUTES < 1, "SESSION_IDLE_MINUTES: use 1 or more"),
        (settings.SESSION_MAX_HOURS < 1, "SESSION_MAX_HOURS: use 1 or more"),
        (not 1 <= settings.AUDIT_HEAD_MINUTES <= 1440, "AUDIT_HEAD_MINUTES: use 1 to 1440"),
        (
            bool(settings.AUDIT_HEAD_MAIL) and not _is_address(settings.AUDIT_HEAD_MAIL),
            "AUDIT_HEAD_MAIL: use one plain e-mail address",
        ),
        (
            settings.TRACES and not _can_trace(),
            "TRACES: install the libraries first: pip install 'leadintake[otel]'",
        ),
    ]
    checks += [
        (
            bool(getattr(settings, name)) and not _is_address(getattr(settings, name)),
            f"{name}: use one plain e-mail address",
        )
        for name in ("MAIL_REPLY_TO", "MAIL_REDIRECT_TO")
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
        appearance(settings)
        + receivers(settings)
        + spam(settings)
        + _assignment(settings)
        + entering(settings)
    )
    if settings.ENVIRONMENT == "production":
        checks += _unsafe(settings)
    return [problem for wrong, problem in checks if wrong]


def _assignment(settings: Settings) -> list[tuple[bool, str]]:
    """Who gets the next lead."""
    known = {"practice_areas": settings.PRACTICE_AREAS, "languages": settings.LANGUAGES}
    try:
        if settings.ASSIGNMENT_POLICY:
            policy.read(Path(settings.ASSIGNMENT_POLICY), **known)
    except ValueError as error:
        return [(True, f"ASSIGNMENT_POLICY: {problem}") for problem in str(error).splitlines()]
    return []


def _unsafe(settings: Settings) -> list[tuple[bool, str]]:
    """What production refuses."""
    in_clear = bool(settings.MAIL_SERVER) and not (settings.MAIL_USE_TLS or settings.MAIL_USE_SSL)
    debugging = os.environ.get("FLASK_DEBUG", "0").lower() not in {"", "0", "false", "no"}
    return [
        (
            len(settings.SECRET_KEY) < SHORTEST_SECRET,
            f"SECRET_KEY: production needs a secret of its own, {SHORTEST_SECRET} characters or more",
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
    except ModuleNotFoundError:  # not even its parents
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
        return len(os.fsencode(path[1])) <= LONGEST_SOCKET
    place = HOST_AND_PORT.fullmatch(address)
    if place is None or not 0 < int(place[2]) < 65536:
        return False
    return not place[1].startswith("[") or is_ip(place[1][1:-1], version=6)


def _is_address(text: str) -> bool:
    return bool(re.fullmatch(r"[!-;=?A-~]+@[!-;=?A-~]+", text))


def _is_rate(text: str) -> bool:
    try:
        return not text or bool(limits.parse_many(text))
    except ValueError:
        return False
