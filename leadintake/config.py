"""Every setting of the service, read once at start.

A setting NAME comes from the environment variable LEADINTAKE_NAME, or from the file named by
LEADINTAKE_NAME_FILE. Every problem is collected, so that one start tells all of them.
"""

from __future__ import annotations

import difflib
import os
import re
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import limits
import msgspec

from leadintake.secret import read_or_make_secret

PREFIX = "LEADINTAKE_"
NOT_SETTINGS = {"REQUIRE_SERVICES", "FAIL_AT"}  # the test suite's own switches


class ConfigurationError(SystemExit):
    """The service cannot start as configured. Leaves the process with one message and status 1."""

    # A SystemExit, because every server and command then prints the message and no traceback.
    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        lines = "\n".join(f"  - {problem}" for problem in problems)
        super().__init__(f"leadintake cannot start. Please mend its configuration:\n{lines}")


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings, with their defaults. Lists are written with commas between their items."""

    ENVIRONMENT: typing.Literal["development", "production"] = "development"
    """`production` refuses unsafe settings and makes cookies Secure. Set it on every real installation."""

    SECRET_KEY: str = ""
    """Signs page cursors and keys the counters. Made once in the instance folder unless given."""

    SECRET_KEY_FALLBACKS: list[str] = field(default_factory=list)
    """Earlier secret keys that are still believed. Set it while rotating SECRET_KEY."""

    INSTANCE_PATH: str = ""
    """Folder of the embedded database, the secret and written mails. Set it where the code is read-only."""

    DATABASE_URL: str = ""
    """postgresql://, postgres://, mysql:// or mariadb:// URL. Set it when more than one machine serves."""

    DATABASE_POOL_SIZE: int = 68
    """Connections one process may hold: at least the server's threads and one for the worker."""

    STORAGE_URL: str = "file:uploads"
    """Where documents live: file:PATH, s3://bucket/prefix, gs://bucket/prefix or az://container/prefix."""

    REDIS_URL: str = ""
    """Shared rate limits. Set it when more than one process serves."""

    MAIL_SERVER: str = ""
    """SMTP server. Without one, mails are written to the folder mail/ of the instance."""

    MAIL_PORT: int = 587
    """Port of the SMTP server: 587 with STARTTLS, 465 with MAIL_USE_SSL."""

    MAIL_USE_TLS: bool | None = None
    """Upgrade to TLS with STARTTLS and verify the certificate. On unless MAIL_SERVER is on loopback."""

    MAIL_USE_SSL: bool = False
    """Speak TLS from the first byte (port 465), instead of MAIL_USE_TLS."""

    MAIL_USERNAME: str = ""
    """Account on the SMTP server."""

    MAIL_PASSWORD: str = ""
    """Password on the SMTP server. Better given by LEADINTAKE_MAIL_PASSWORD_FILE."""

    MAIL_DEFAULT_SENDER: str = "leadintake@localhost"
    """Address that mails are from. Set it to an address your mail server may send for."""

    MAIL_TIMEOUT: int = 10
    """Seconds each step of a conversation with the mail server may take."""

    PUBLIC_URL: str = "http://127.0.0.1:8000"
    """Address people reach the service at; links in mails are built from it, never from a Host header."""

    TRUSTED_PROXIES: int = 0
    """How many proxies stand in front, whose X-Forwarded-* headers are believed."""

    MAX_UPLOAD_BYTES: int = 10 * 1024 * 1024
    """Largest resume, in bytes."""

    WORKER: typing.Literal["embedded", "external"] = "embedded"
    """`external` when `flask worker` runs as a process of its own."""

    ATTORNEY_VISIBILITY: typing.Literal["all", "own"] = "all"
    """`own`: an attorney sees only the leads assigned to them."""

    RATE_LIMIT_SUBMISSIONS: str = "60 per minute; 600 per hour"
    """Submissions from one address. Empty switches it off."""

    RATE_LIMIT_LOGINS: str = "10 per minute; 50 per hour"
    """Failed sign-ins to one account from one address. Empty switches it off."""

    SESSION_IDLE_MINUTES: int = 30
    """A session unused for so long is over."""

    SESSION_MAX_HOURS: int = 12
    """A session this old is over, used or not."""

    FIRM_NAME: str = "Our Law Firm"
    """The firm's name, on the page and in mails."""

    PRACTICE_AREAS: list[str] = field(
        default_factory=lambda: ["business", "criminal", "employment", "estate", "family", "immigration"]
    )
    """Values a lead's practice_area may take."""

    LANGUAGES: list[str] = field(default_factory=lambda: ["en", "es"])
    """Values a lead's language may take."""

    EMBED_ORIGINS: list[str] = field(default_factory=list)
    """Origins (https://www.firm.example) whose pages may frame the form and post to it."""

    METRICS_TOKEN: str = ""
    """Bearer token for /metrics from elsewhere than loopback."""

    LOG_FORMAT: typing.Literal["console", "json"] = "console"
    """`json` for a log collector."""


def read_settings(
    environment: Mapping[str, str], overrides: Mapping[str, object]
) -> tuple[Settings, list[str]]:
    """Read and judge every setting. Return them with the names of variables that are none of ours.

    `overrides` win over the environment. Raises ConfigurationError with every problem found.
    """
    problems: list[str] = []
    values: dict[str, object] = {}
    hints = typing.get_type_hints(Settings)
    for name, kind in hints.items():
        raw = overrides[name] if name in overrides else _from_environment(environment, name, problems)
        if raw is not None:
            _convert(name, raw, kind, values, problems)
    if "MAIL_USE_TLS" not in values:
        local = _is_loopback(str(values.get("MAIL_SERVER", "")))
        values["MAIL_USE_TLS"] = not (local or values.get("MAIL_USE_SSL"))
    settings = Settings(**values)  # type: ignore[arg-type] # converted one by one above
    problems += _contradictions(settings)
    if problems:
        raise ConfigurationError(problems)
    return settings, _unknown(environment, set(hints))


def complete(settings: Settings, default_instance: Path) -> Settings:
    """Fill in what depends on the place: instance folder, secret, database file, storage folder."""
    instance = Path(settings.INSTANCE_PATH or default_instance).absolute()
    # Uploads lie beside the default instance folder, but inside one that was chosen: two
    # installations on one machine never share a folder by accident.
    beside = instance if settings.INSTANCE_PATH else default_instance.parent
    values = {f.name: getattr(settings, f.name) for f in fields(settings)}
    values["INSTANCE_PATH"] = str(instance)
    try:
        instance.mkdir(parents=True, exist_ok=True)
        values["SECRET_KEY"] = settings.SECRET_KEY or read_or_make_secret(instance / "secret_key")
    except OSError as error:
        raise ConfigurationError(
            [f"LEADINTAKE_INSTANCE_PATH: {instance} cannot be written ({error.strerror})"]
        ) from error
    values["DATABASE_URL"] = settings.DATABASE_URL or f"sqlite:///{instance / 'leadintake.sqlite3'}"
    scheme, _, rest = settings.STORAGE_URL.partition(":")
    if scheme == "file":
        path = Path(rest.removeprefix("//") if rest.startswith("///") else rest)
        values["STORAGE_URL"] = f"file:{path if path.is_absolute() else beside.absolute() / path}"
    return Settings(**values)


def _from_environment(environment: Mapping[str, str], name: str, problems: list[str]) -> str | None:
    variable = PREFIX + name
    direct, path = environment.get(variable), environment.get(f"{variable}_FILE")
    if path is None:
        return direct
    if direct is not None:
        problems.append(f"{variable} and {variable}_FILE are both set; keep one of them")
        return None
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        problems.append(f"{variable}_FILE: {path} cannot be read ({error})")
        return None


def _convert(
    name: str, raw: object, kind: typing.Any, values: dict[str, object], problems: list[str]
) -> None:
    if kind == list[str] and isinstance(raw, str):
        raw = [item.strip() for item in raw.split(",") if item.strip()]
    if kind in (bool, bool | None) and isinstance(raw, str):
        raw = {"yes": "true", "on": "true", "no": "false", "off": "false"}.get(raw.lower(), raw)
    try:
        values[name] = msgspec.convert(raw, kind, strict=False)
    except msgspec.ValidationError:
        problems.append(f"{PREFIX}{name}: {raw!r} is not {_wanted(kind)}")


def _wanted(kind: typing.Any) -> str:
    if typing.get_origin(kind) is typing.Literal:
        return "one of " + ", ".join(typing.get_args(kind))
    return {int: "a whole number", bool: "true or false", bool | None: "true or false"}.get(
        kind, "a list of texts"
    )


def _unknown(environment: Mapping[str, str], known: set[str]) -> list[str]:
    unknown = []
    for variable in sorted(environment):
        name = variable.removeprefix(PREFIX)
        if name == variable or name.startswith("TEST_") or name in NOT_SETTINGS | known:
            continue
        if name.removesuffix("_FILE") in known:
            continue
        near = difflib.get_close_matches(name, known, 1)
        unknown.append(variable + (f" (did you mean {PREFIX}{near[0]}?)" if near else ""))
    return unknown


ORIGIN = re.compile(r"https?://[^/?#@\s]+")


def _contradictions(settings: Settings) -> list[str]:
    """Judge the settings one by one and against each other."""
    checks: list[tuple[bool, str]] = [
        (
            bool(settings.SECRET_KEY) and len(settings.SECRET_KEY) < 32,
            "SECRET_KEY: use 32 characters or more",
        ),
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
        (bool(settings.MAIL_PASSWORD) and not settings.MAIL_USERNAME, "MAIL_PASSWORD without MAIL_USERNAME"),
        (not _is_address(settings.MAIL_DEFAULT_SENDER), "MAIL_DEFAULT_SENDER: use one plain e-mail address"),
        (not 0 < settings.MAIL_PORT < 65536, "MAIL_PORT: use a number from 1 to 65535"),
        (
            not 0 < settings.MAIL_TIMEOUT <= 10,
            "MAIL_TIMEOUT: use 1 to 10 seconds; a worker's lease outlasts it",
        ),
        (not 0 <= settings.TRUSTED_PROXIES <= 10, "TRUSTED_PROXIES: use a number from 0 to 10"),
        (settings.DATABASE_POOL_SIZE < 2, "DATABASE_POOL_SIZE: use 2 or more"),
        (settings.MAX_UPLOAD_BYTES < 1024, "MAX_UPLOAD_BYTES: use 1024 or more"),
        (settings.SESSION_IDLE_MINUTES < 1, "SESSION_IDLE_MINUTES: use 1 or more"),
        (settings.SESSION_MAX_HOURS < 1, "SESSION_MAX_HOURS: use 1 or more"),
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
    if settings.ENVIRONMENT == "production":
        checks += _unsafe(settings)
    return [PREFIX + problem for wrong, problem in checks if wrong]


def _unsafe(settings: Settings) -> list[tuple[bool, str]]:
    """What production refuses."""
    in_clear = bool(settings.MAIL_SERVER) and not (settings.MAIL_USE_TLS or settings.MAIL_USE_SSL)
    debugging = os.environ.get("FLASK_DEBUG", "0").lower() not in {"", "0", "false", "no"}
    return [
        (not settings.SECRET_KEY, "SECRET_KEY: production needs a secret of its own, or SECRET_KEY_FILE"),
        (not settings.PUBLIC_URL.startswith("https://"), "PUBLIC_URL: production needs https://"),
        (debugging, "ENVIRONMENT: production does not start with FLASK_DEBUG on"),
        (
            in_clear and not _is_loopback(settings.MAIL_SERVER),
            "MAIL_USE_TLS: production does not send mail in clear to another machine",
        ),
    ]


def _is_database(url: str) -> bool:
    return not url or urlsplit(url).scheme.partition("+")[0] in {
        "sqlite", "postgresql", "postgres", "mysql", "mariadb",
    }  # fmt: skip


def _is_storage(url: str) -> bool:
    scheme, _, rest = url.partition(":")
    return (scheme == "file" and bool(rest)) or (scheme in {"s3", "gs", "az"} and len(rest) > 2)


def _is_address(text: str) -> bool:
    return bool(re.fullmatch(r"[!-;=?A-~]+@[!-;=?A-~]+", text))


def _is_rate(text: str) -> bool:
    try:
        return not text or bool(limits.parse_many(text))
    except ValueError:
        return False


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def as_flask(settings: Settings) -> dict[str, object]:
    """The settings under their own names, ready for app.config."""
    return {f.name: getattr(settings, f.name) for f in fields(settings)}
