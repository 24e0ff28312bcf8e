"""A command loads nothing heavy that it does not use, so that its first word comes soon."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

HEAVY = {
    "authlib", "boto3", "cryptography", "email_validator", "gevent", "granian", "obstore", "opentelemetry",
    "phonenumbers", "pikepdf", "prometheus_client", "psycopg", "pymysql", "redis", "reportlab", "requests",
    "urllib3", "webauthn", "leadintake.documents.inspection.detection", "sqlalchemy.testing",
}  # fmt: skip
REQUIRED = {"flask", "sqlalchemy", "leadintake.auth.cli"}


def modules_loaded_by(*command: str, **settings: str) -> set[str]:
    """The modules that a process imports for a command, by Python's own list of them."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", *command],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    lines = (line for line in done.stderr.splitlines() if line.startswith("import time:"))
    return {line.rpartition("|")[2].strip() for line in lines}


@pytest.mark.parametrize(
    "command",
    [
        ("leadintake", "--help"),
        ("leadintake", "users", "list"),
        ("flask", "--app", "leadintake", "--help"),
    ],
    ids=" ".join,
)
def test_a_command_loads_no_library_that_it_does_not_use(command, app, database_url):
    instance = app.config["INSTANCE_PATH"]
    loaded = modules_loaded_by(
        *command, LEADINTAKE_DATABASE_URL=database_url, LEADINTAKE_INSTANCE_PATH=instance
    )
    assert loaded >= REQUIRED
    assert loaded & HEAVY == set()
