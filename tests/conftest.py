"""What every test starts from."""

from __future__ import annotations

import contextlib
import functools
import gc
import os
import sys
import threading
import zlib
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask

from leadintake import create_app
from leadintake.auth import passwords
from leadintake.core import checks
from leadintake.core.db.database import db
from tests.factories import UserFactory
from tests.support.addresses import prepare_rules_once
from tests.support.client import Client
from tests.support.engines import ENGINES, fresh_copy, migrated_database, share_compiled_statements
from tests.support.ledger import LONG
from tests.support.rows import make, read
from tests.support.templates import COMPILED

prepare_rules_once()

MAX_COUNTED_CASES = 1
SET_UP_COUNTS = pytest.StashKey[bool]()
COUNTED_ELSEWHERE = ("benchmarks", "browser", "house", "operations")
"""Folders whose tests walk through all rooms: each room's own tests count its lines."""


ABOUT_ENGINES = ("tests/core/db/", "tests/faults/test_kill.py")


os.environ.pop("COLUMNS", None)  # of whoever starts the tests: it is how wide tables are


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run tests marked every_engine on all three databases, every_server on two, the others on SQLite.

    In the short form most of the former run on SQLite and one of the servers, by their names.
    """
    if "engine_name" in metafunc.fixturenames:
        marked = metafunc.definition.get_closest_marker
        first = 1 if marked("every_server") else 0
        last = len(ENGINES) if first or marked("every_engine") else 1
        engines = ("postgresql",) if marked("on_postgresql") else ENGINES[first:last]
        if len(engines) == len(ENGINES) and not LONG and not _is_about_engines(metafunc.definition.nodeid):
            engines = ("sqlite", ENGINES[1 + zlib.crc32(metafunc.definition.nodeid.encode()) % 2])
        metafunc.parametrize("engine_name", engines, scope="session")


def _is_about_engines(test: str) -> bool:
    """Whether a test runs on all engines in the short form, too; the others take turns on the servers."""
    return "migration" in test or test.startswith(ABOUT_ENGINES)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave tests marked long_form to the long form, and count the lines of the first cases of a test.

    The other cases run the same lines, and counting takes time; on a server the first shows what is its own.
    """
    left = [] if LONG else [item for item in items if item.get_closest_marker("long_form")]
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item.get_closest_marker("long_form") is None]
    cases: Counter[tuple[str, str]] = Counter()
    files: set[Path] = set()
    for item in items:
        engine = getattr(item, "callspec", None) and item.callspec.params.get("engine_name")
        case = (item.nodeid.partition("[")[0], engine or "")
        cases[case] += 1
        elsewhere = item.path.relative_to(config.rootpath).parts[1] in COUNTED_ELSEWHERE
        measures = item.get_closest_marker("measures_cpu") is not None
        if measures or elsewhere or cases[case] > (1 if engine in ENGINES[1:] else MAX_COUNTED_CASES):
            item.add_marker(pytest.mark.no_cover)
        elif item.path not in files:
            files.add(item.path)
            item.stash[SET_UP_COUNTS] = True


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Leave what is there by now out of every later search for garbage: 200 MB that stay anyway."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None]:
    """Count the lines of preparations once a file: they make the same application again and again."""
    with contextlib.nullcontext() if SET_UP_COUNTS in item.stash else _untraced():
        return (yield)


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    """Trace nothing of a test marked no_cover: in a process of xdist pytest-cov 7.1 goes on tracing it."""
    with _untraced() if item.get_closest_marker("no_cover") else contextlib.nullcontext():
        return (yield)


@contextlib.contextmanager
def _untraced() -> Iterator[None]:
    own, of_threads = sys.gettrace(), threading.gettrace()
    sys.settrace(None)
    threading.settrace(None)  # type: ignore[arg-type] # as its documentation says
    try:
        yield
    finally:
        sys.settrace(own)
        threading.settrace(of_threads)  # type: ignore[arg-type] # what was there


@pytest.fixture(autouse=True)
def _push_request_context() -> None:
    """Replace pytest-flask's, which keeps a context pushed so that clients share flask.g."""


@pytest.fixture(autouse=True)
def _cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@pytest.fixture(autouse=True)
def _no_watchdog_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no application that a test makes start a thread that looks round in its database."""
    monkeypatch.setenv("LEADINTAKE_WATCHDOG", "external")


@pytest.fixture(autouse=True)
def _readiness_is_found_out_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "FRESH_SECONDS", 0)


@pytest.fixture(scope="session")
def template(engine_name: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A migrated database, once a run and engine."""
    with migrated_database(engine_name, tmp_path_factory.mktemp(engine_name)) as url:
        yield url


@pytest.fixture
def database_url(template: str, tmp_path: Path) -> str:
    """An empty migrated database of the test's own."""
    return fresh_copy(template, tmp_path)


@pytest.fixture
def settings() -> dict[str, object]:
    """Settings of the test's application; override to change some."""
    return {}


@pytest.fixture
def app(database_url: str, tmp_path: Path, settings: dict[str, object]) -> Iterator[Flask]:
    """An application on an empty database, without worker thread or rate limits."""
    usual = {
        "INSTANCE_PATH": str(tmp_path / "instance"),
        "DATABASE_URL": database_url,
        "WORKER": "external",
        "WATCHDOG": "external",
        "RATE_LIMIT_SUBMISSIONS": "",
        "RATE_LIMIT_LOGINS": "",
        "TESTING": True,
    }
    app = create_app(**{**usual, **settings})
    app.test_client_class = Client
    app.jinja_env.bytecode_cache = COMPILED
    with app.app_context():
        share_compiled_statements(db.engine)
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def client(app: Flask) -> Client:
    """A client. Unlike pytest-flask's it keeps no context open between requests."""
    return app.test_client()


@pytest.fixture
def browser(app: Flask) -> Callable[[], Client]:
    """Fresh clients, each with cookies of its own."""
    return app.test_client


@pytest.fixture
def given(app: Flask) -> Callable[..., Any]:
    """Make rows and commit them: given(UserFactory, "admin", name="Ada")."""

    return functools.partial(make, app)


@pytest.fixture
def rows(app: Flask) -> Callable[..., list[Any]]:
    """All rows of a table, deleted ones too: rows(Lead)."""

    return functools.partial(read, app)


@pytest.fixture
def amara(given):
    return given(UserFactory, name="Amara Attorney", email="amara@firm.example.com")


@pytest.fixture
def bruno(given):
    return given(UserFactory, name="Bruno Attorney", email="bruno@firm.example.com")


@pytest.fixture
def max_(given):
    return given(UserFactory, "manager", name="Max Manager", email="max@firm.example.com")


@pytest.fixture
def ada(given):
    return given(UserFactory, "admin", name="Ada Admin", email="ada@firm.example.com")
