"""A disk that is full or read-only: everybody is told to try again, nothing is half kept, service returns."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from leadintake.core.db.database import db
from tests.factories import UserFactory
from tests.support.disks import Disk, image_of, mounted, run, unmount
from tests.support.engines import fresh_copy
from tests.support.ledger import LONG, Prospects, Report, audit, files_in, record
from tests.support.server import serving, wait_until

CROWD = 200 if LONG else 24
MEBIBYTES = 16
SPOOLED = 600_000
"""More bytes than werkzeug keeps in memory of one file."""


@pytest.fixture
def disk(tmp_path) -> Iterator[Disk]:
    """A disk in memory."""
    with mounted(tmp_path / "disk", "-t", "tmpfs", "-o", f"size={MEBIBYTES}m", "tmpfs") as made:
        yield made


@pytest.fixture
def on_disk() -> tuple[str, ...]:
    """What lies on the small disk; parametrize to change."""
    return ("storage",)


@pytest.fixture
def database_url(template, tmp_path, disk, on_disk) -> str:
    """The database, on the small disk where the test says so."""
    return fresh_copy(template, disk.path if "database" in on_disk else tmp_path)


@pytest.fixture
def uploads(tmp_path, disk, on_disk) -> Path:
    """The folder of the files, on the small disk where the test says so."""
    return (disk.path if "storage" in on_disk else tmp_path) / "uploads"


@pytest.fixture
def served(app, given, database_url, tmp_path, uploads):
    """A server with one lead already in it, and who sent that."""
    given(UserFactory)
    with app.app_context():
        db.engine.dispose()
    with serving(database_url, tmp_path, STORAGE_URL=f"file:{uploads}") as server:
        prospects = Prospects(server.address)
        assert prospects.submit(0) == 201
        all_are_delivered(
            prospects, database_url, uploads
        )  # what is on its way then waits for a lease to end
        yield server, prospects


def all_are_told_to_try_again(server, prospects, uploads) -> list[int]:
    """Let a crowd submit; who it was. Reading goes on, and no file appears, not even a part of one."""
    files = files_in(uploads)
    told = prospects.crowd(range(1, CROWD + 1))
    assert [one for one in told if not one.says_try_again()] == []
    assert files_in(uploads) == files
    for page in ("/", "/healthz"):
        assert requests.get(server.address + page, timeout=10).status_code == 200
    return [one.number for one in told]


def readiness_names(server) -> set[str]:
    """The parts that /readyz says do not work."""
    answer = requests.get(f"{server.address}/readyz", timeout=10)
    if answer.status_code == 200:
        return set()
    assert answer.status_code == 503
    said = answer.json()["detail"].removeprefix("Not working: ").partition(".")[0]
    return set(said.split(", "))


def service_returns(server, prospects, refused, database_url, uploads) -> Report:
    """Nothing stayed of those who were refused; they are taken now, with the same keys."""
    kept = audit({}, database_url, uploads)
    assert (kept.orphans, len(files_in(uploads))) == ([], len(prospects.acknowledged))
    assert {one.status for one in prospects.crowd(refused)} == {201}
    wait_until(lambda: requests.get(f"{server.address}/readyz", timeout=10).ok, "the server is ready")
    all_are_delivered(prospects, database_url, uploads)
    assert prospects.unserved() == []
    report = audit(prospects.acknowledged, database_url, uploads)
    report.assert_kept()
    return report


def all_are_delivered(prospects, database_url, uploads) -> None:
    """Wait until every message of every acknowledged lead was sent."""

    def delivered() -> bool:
        report = audit(prospects.acknowledged, database_url, uploads)
        return report.delivered == report.acknowledged

    wait_until(delivered, "every message is sent")


@pytest.mark.parametrize("on_disk", [("storage",), ("database",), ("database", "storage")], ids="+".join)
def test_on_a_full_disk_everybody_is_told_to_try_again_and_can(
    served, disk, on_disk, database_url, uploads, engine_name
):
    server, prospects = served
    disk.fill()
    refused = all_are_told_to_try_again(server, prospects, uploads)
    not_ready = readiness_names(server)
    disk.empty()
    report = service_returns(server, prospects, refused, database_url, uploads)
    record(report, f"disk full: {' and '.join(on_disk)}", engine_name)
    assert not_ready == set(on_disk)


@pytest.mark.every_engine
def test_on_a_read_only_storage_everybody_is_told_to_try_again_and_can(
    served, disk, database_url, uploads, engine_name
):
    server, prospects = served
    disk.remount("ro")
    refused = all_are_told_to_try_again(server, prospects, uploads)
    not_ready = readiness_names(server)
    disk.remount("rw")
    report = service_returns(server, prospects, refused, database_url, uploads)
    record(report, "disk read-only: storage", engine_name)
    assert not_ready == {"storage"}


def test_without_room_for_large_uploads_small_ones_are_taken_and_large_ones_later(
    app, given, database_url, tmp_path, disk, engine_name
):
    given(UserFactory)
    uploads = tmp_path / "instance" / "uploads"
    with serving(database_url, tmp_path, around={"TMPDIR": str(disk.path)}) as server:
        prospects = Prospects(server.address, padding=SPOOLED)
        assert prospects.submit(0) == 201  # Python looks once for a folder it can write to
        disk.fill()
        refused = all_are_told_to_try_again(server, prospects, uploads)
        prospects.padding = 0
        assert prospects.submit(CROWD + 1) == 201
        prospects.padding = SPOOLED
        disk.empty()
        assert {one.status for one in prospects.crowd(refused)} == {201}
        all_are_delivered(prospects, database_url, uploads)
        assert list(disk.path.iterdir()) == []
    report = audit(prospects.acknowledged, database_url, uploads)
    report.assert_kept()
    record(report, "disk full: TMPDIR", engine_name)


class TestAFailingDisk:
    """Linux makes an ext4 read-only under the open database when it meets an error."""

    @pytest.fixture
    def image(self, tmp_path):
        return image_of(tmp_path / "image", MEBIBYTES)

    @pytest.fixture
    def disk(self, tmp_path, image):
        with mounted(tmp_path / "disk", "-o", "loop", str(image)) as made:
            yield made

    @pytest.mark.parametrize("on_disk", [("database",)], ids="+".join)
    def test_under_the_open_database_refuses_everybody_and_keeps_what_was_acknowledged(
        self, served, disk, image, database_url, uploads, engine_name
    ):
        server, prospects = served
        prospects.crowd(range(CROWD + 1, CROWD + 5))
        all_are_delivered(prospects, database_url, uploads)
        disk.remount("abort")
        refused = all_are_told_to_try_again(server, prospects, uploads)
        not_ready = readiness_names(server)
        server.stop()
        unmount(disk.path)
        run("mount", "-o", "loop", str(image), str(disk.path))
        server.start()
        report = service_returns(server, prospects, refused, database_url, uploads)
        record(report, "disk read-only: database", engine_name)
        assert not_ready == {"database"}
