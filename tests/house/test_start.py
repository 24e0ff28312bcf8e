"""A command loads nothing heavy that it does not use, so that its first word comes soon."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

HEAVY = {
    "alembic", "authlib", "boto3", "cryptography", "email_validator", "flask_migrate", "gevent", "granian",
    "obstore", "opentelemetry", "phonenumbers", "pikepdf", "prometheus_client", "psycopg", "pymysql", "redis",
    "reportlab", "requests", "urllib3", "webauthn", "leadintake.documents.inspection.detection",
    "sqlalchemy.dialects.mysql", "sqlalchemy.dialects.postgresql", "sqlalchemy.testing",
}  # fmt: skip
COLLECTIONS = """
import gc, sys
import leadintake
seen = []
gc.callbacks.append(lambda phase, _: seen.append(phase))
leadintake.create_app()
print(seen.count("start"), "leadintake.application" in sys.modules, gc.isenabled())
"""
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
        ("leadintake", "worker", "--drain"),
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


def test_no_garbage_is_looked_for_while_modules_are_loaded(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", COLLECTIONS],
        env={**os.environ, "LEADINTAKE_INSTANCE_PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    collections, loaded, enabled = done.stdout.split()
    assert (loaded, enabled) == ("True", "True")
    assert int(collections) < 50, "12 for the routes; 244 more where the modules are not spared"
