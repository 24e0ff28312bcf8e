"""An installation that is well, on whatever machine the tests run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from leadintake.core.db.transaction import transaction
from leadintake.core.doctor import disks, durability
from leadintake.notifications.service import notifications
from tests.factories import UserFactory
from tests.support.receiver import Stub, receiving

DISK = "/dev/sda1 / ext4 rw,relatime 0 0\n"


@pytest.fixture
def machine(tmp_path_factory, monkeypatch):
    """A disk with room, on a file system with a journal, and database servers as they are."""
    mounts = tmp_path_factory.mktemp("machine") / "mounts"
    mounts.write_text(DISK)
    monkeypatch.setattr(disks, "MOUNTS", mounts)
    for name in ("NEARLY_FULL", "MIN_UPLOADS", "MIN_FILES"):
        monkeypatch.setattr(disks, name, 0)
    for name in ("POSTGRESQL", "MARIADB", "MARIADB_WITH_LOG"):
        monkeypatch.setattr(durability, name, {})
    return mounts


@pytest.fixture
def well(app, given, machine):
    """A worker that was seen just now, and an attorney."""
    given(UserFactory)
    with app.app_context(), transaction():
        notifications.record_beat("worker:1")


@pytest.fixture
def stub() -> Iterator[Stub]:
    """A receiver of incidents and heartbeats."""
    with receiving(Stub()) as started:
        yield started
