"""Reading of settings from environment, files and overrides, reporting all problems at once.

A setting NAME comes from the variable LEADINTAKE_NAME, or from the file named by LEADINTAKE_NAME_FILE.
"""

from __future__ import annotations

import difflib
import functools
import typing
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

import msgspec
from msgspec import Meta

from leadintake.config.hosts import is_loopback
from leadintake.config.rules import MIN_SECRET_LENGTH, find_problems, find_time_zone
from leadintake.config.secret import read_or_make_secret
from leadintake.config.settings import Settings
from leadintake.core import durable
from leadintake.core.places import normalize_url

PREFIX = "LEADINTAKE_"
INSTANCE_PATHS = ("ASSIGNMENT_POLICY", "FIRM_LOGO", "FIRM_LOGO_DARK", "MAIL_FOLDER")
"""Settings with a path that is relative to the instance folder."""
POOL_SIZE_OF_SQLITE = 68
"""One per thread of the server (64), and some for worker and watchdog."""
POOL_SIZE_OF_SERVER = 44
"""Two processes leave 9 of PostgreSQL's 97 default connections to workers and commands."""
NOT_SETTINGS = {"REQUIRE_SERVICES", "FAULTS", "FAULT_REPORT"}
"""Switches of the test suite."""


class ConfigurationError(SystemExit):
    """The service cannot start as configured."""

    # As a SystemExit, every server and command prints the message without a traceback and exits with 1.
    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        lines = "\n".join(f"  - {problem}" for problem in problems)
        super().__init__(f"leadintake cannot start. Please mend its configuration:\n{lines}")


def read_settings(
    environment: Mapping[str, str], overrides: Mapping[str, object], default_instance: Path = Path("instance")
) -> tuple[Settings, list[str]]:
    """Read and validate every setting. Return them, and the names of unknown variables.

    `overrides` precede the environment. Raises ConfigurationError with every problem.
    """
    problems: list[str] = []
    values: dict[str, object] = {}
    hints = _hints()
    for name, kind in hints.items():
        raw = overrides[name] if name in overrides else _read_variable(environment, name, problems)
        if raw is not None:
            _convert(name, raw, kind, values, problems)
    if "MAIL_USE_TLS" not in values:
        local = is_loopback(str(values.get("MAIL_SERVER", "")))
        values["MAIL_USE_TLS"] = not (local or values.get("MAIL_USE_SSL"))
    for name in INSTANCE_PATHS:
        if path := values.get(name):
            values[name] = str(Path(str(values.get("INSTANCE_PATH") or default_instance)) / str(path))
    settings = Settings(**values)  # type: ignore[arg-type] # converted one by one above
    problems += [PREFIX + problem for problem in find_problems(settings)]
    unknown = _find_unknown(environment, set(hints))
    if problems:
        raise ConfigurationError(problems + [f"{variable} is not a setting" for variable in unknown])
    return settings, unknown


def complete(settings: Settings, default_instance: Path) -> Settings:
    """Fill in what depends on other settings or the machine: folders, secret, database file, time zone."""
    instance = Path(settings.INSTANCE_PATH or default_instance).absolute()
    values = {f.name: getattr(settings, f.name) for f in fields(settings)}
    values["INSTANCE_PATH"] = str(instance)
    try:
        durable.make_folder(instance)  # a checkout contains it with access for all
        secret = settings.SECRET_KEY or read_or_make_secret(instance / "secret_key")
    except OSError as error:
        raise ConfigurationError(
            [f"LEADINTAKE_INSTANCE_PATH: {instance} cannot be written ({error.strerror})"]
        ) from error
    if not settings.SECRET_KEY and len(secret) < MIN_SECRET_LENGTH:
        raise ConfigurationError([f"{instance / 'secret_key'} is damaged. Delete it; a new one is made."])
    values["SECRET_KEY"] = secret
    values["DATABASE_URL"] = settings.DATABASE_URL or f"sqlite:///{instance / 'leadintake.sqlite3'}"
    local = str(values["DATABASE_URL"]).startswith("sqlite")
    usual = POOL_SIZE_OF_SQLITE if local else POOL_SIZE_OF_SERVER
    values["DATABASE_POOL_SIZE"] = settings.DATABASE_POOL_SIZE or usual
    values["TIMEZONE"] = find_time_zone(settings)
    values["STORAGE_URL"] = normalize_url(settings.STORAGE_URL, storage_base(settings, default_instance))
    return Settings(**values)


def storage_base(settings: Settings, default_instance: Path) -> Path:
    """Return the base of relative storage paths.

    Uploads are beside the default instance folder, but inside a configured one: installations on one machine
    must not share a folder by accident.
    """
    chosen = settings.INSTANCE_PATH
    return (Path(chosen) if chosen else default_instance.parent).absolute()


@functools.cache
def _hints() -> dict[str, typing.Any]:
    return typing.get_type_hints(Settings, include_extras=True)


def _read_variable(environment: Mapping[str, str], name: str, problems: list[str]) -> str | None:
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
        problems.append(f"{PREFIX}{name}: {_describe_problem(raw, kind)}")


def _describe_problem(raw: object, kind: typing.Any) -> str:
    """Return what is allowed. A text is not repeated: it may be a secret."""
    kind, meta = typing.get_args(kind) if typing.get_origin(kind) is typing.Annotated else (kind, Meta())
    if meta.pattern is not None:
        return str(meta.description)
    allowed = _describe_type(kind)
    if meta.ge is not None:
        allowed += f" from {meta.ge} to {meta.le}" if meta.le is not None else f", {meta.ge} or more"
    return f"{raw!r} is not {allowed}" + (f" ({meta.description})" if meta.description else "")


def _describe_type(kind: typing.Any) -> str:
    if typing.get_origin(kind) is typing.Literal:
        return "one of " + ", ".join(typing.get_args(kind))
    return {int: "a whole number", bool: "true or false", bool | None: "true or false"}.get(
        kind, "a list of texts"
    )


def _find_unknown(environment: Mapping[str, str], names: set[str]) -> list[str]:
    unknown = []
    for variable in sorted(environment):
        name = variable.removeprefix(PREFIX)
        if name == variable or name.startswith("TEST_") or name in NOT_SETTINGS | names:
            continue
        if name.removesuffix("_FILE") in names:
            continue
        near = difflib.get_close_matches(name, names, 1)
        unknown.append(variable + (f" (did you mean {PREFIX}{near[0]}?)" if near else ""))
    return unknown


def to_flask_config(settings: Settings) -> dict[str, object]:
    """Return the settings for app.config."""
    return {f.name: getattr(settings, f.name) for f in fields(settings)}
