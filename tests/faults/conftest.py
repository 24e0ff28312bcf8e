"""What several fault tests start from."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.postgres import Postgres, own_postgres
from tests.support.server import Server


@pytest.fixture(scope="module")
def postgres(tmp_path_factory) -> Iterator[Postgres]:
    """A migrated PostgreSQL of one's own, to do harm to."""
    with own_postgres() as started:
        migrated = Server(started.url, tmp_path_factory.mktemp("migrating")).run("db", "upgrade")
        assert migrated.returncode == 0, migrated.stderr
        yield started
