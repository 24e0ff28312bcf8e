"""Reading the settings: from the environment, files and overrides, with every problem told at once.

A setting NAME comes from the environment variable LEADINTAKE_NAME, or from the file named by
LEADINTAKE_NAME_FILE.
"""

from __future__ import annotations

import difflib
import typing
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

import msgspec

from leadintake.config.hosts import is_loopback
from leadintake.config.rules import SHORTEST_SECRET, contradictions
from leadintake.config.secret import read_or_make_secret
from leadintake.config.settings import Settings
from leadintake.core import durable

PREFIX = "LEADINTAKE_"
IN_THE_INSTANCE = ("ASSIGNMENT_POLICY", "FIRM_LOGO", "MAIL_FOLDER")
"""Settings that name a file or folder, in the instance folder unless the path is whole."""
NOT_SETTINGS = {"REQUIRE_SERVICES", "FAULTS", "FAULT_REPORT"}
"""The test suite's own switches."""


class ConfigurationError(SystemExit):
    """The service cannot start as configured. Leaves the process with one message and status 1."""

    # A SystemExit, because every server and command then prints the message and no traceback.
    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        lines = "\n".join(f"  - {problem}" for problem in problems)
        super().__init__(f"leadintake cannot start. Please mend its configuration:\n{lines}")


def read_settings(
    environment: Mapping[str, str], overrides: Mapping[str, object], default_instance: Path = Path("instance")
) -> tuple[Settings, list[str]]:
    """Read and judge every setting. Return them with the names of variables that are none of ours.

    `overrides` win over the environment. `default_instance` is the instance folder unless one is set.
    Raises ConfigurationError with every problem found.
    """
    problems: list[str] = []
    values: dict[str, object] = {}
    hints = typing.get_type_hints(Settings)
    for name, kind in hints.items():
        raw = overrides[name] if name in overrides else _from_environment(environment, name, problems)
        if raw is not None:
            _convert(name, raw, kind, values, problems)
    if "MAIL_USE_TLS" not in values:
        local = is_loopback(str(values.get("MAIL_SERVER", "")))
        values["MAIL_USE_TLS"] = not (local or values.get("MAIL_USE_SSL"))
    for name in IN_THE_INSTANCE:
        if path := values.get(name):
            values[name] = str(Path(str(values.get("INSTANCE_PATH") or default_instance)) / str(path))
    settings = Settings(**values)  # type: ignore[arg-type] # converted one by one above
    problems += [PREFIX + problem for problem in contradictions(settings)]
    unknown = _unknown(environment, set(hints))
    if problems:
        raise ConfigurationError(problems + [f"{variable} is not a setting" for variable in unknown])
    return settings, unknown


def complete(settings: Settings, default_instance: Path) -> Settings:
    """Fill in what depends on the place: instance folder, secret, database file, storage folder."""
    instance = Path(settings.INSTANCE_PATH or default_instance).absolute()
    # Uploads lie beside the default instance folder, but inside one that was chosen: two
    # installations on one machine never share a folder by accident.
    beside = instance if settings.INSTANCE_PATH else default_instance.parent
    values = {f.name: getattr(settings, f.name) for f in fields(settings)}
    values["INSTANCE_PATH"] = str(instance)
    try:
        durable.make_folder(instance)  # a checkout brings it along, open to everybody on the machine
        secret = settings.SECRET_KEY or read_or_make_secret(instance / "secret_key")
    except OSError as error:
        raise ConfigurationError(
            [f"LEADINTAKE_INSTANCE_PATH: {instance} cannot be written ({error.strerror})"]
        ) from error
    if not settings.SECRET_KEY and len(secret) < SHORTEST_SECRET:
        raise ConfigurationError([f"{instance / 'secret_key'} is damaged. Delete it; a new one is made."])
    values["SECRET_KEY"] = secret
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


def as_flask(settings: Settings) -> dict[str, object]:
    """The settings under their own names, ready for app.config."""
    return {f.name: getattr(settings, f.name) for f in fields(settings)}
