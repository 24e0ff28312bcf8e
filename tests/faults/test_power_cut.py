"""The power goes: what was not synced is gone, and nothing that was acknowledged.

The file system is an ext4 of the test's own on a loop device. Its shutdown drops data and journal that were
not synced, as a machine does that loses its power; what a disk's own cache would lose is not tried.
"""

from __future__ import annotations

import email
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from leadintake.core.db.database import db, engine_url
from leadintake.notifications.models import Notification, Status
from tests.factories import UserFactory
from tests.support.disks import cut_power, image_of, mounted, run, unmount
from tests.support.engines import fresh_copy
from tests.support.ledger import Prospects, audit, end_leases, record
from tests.support.postgres import own_postgres
from tests.support.server import Server, serving, wait_until

CUTS, CROWD, MEBIBYTES = 10, 60, 512
pytestmark = pytest.mark.long_form


@pytest.fixture
def image(tmp_path):
    return image_of(tmp_path / "image", MEBIBYTES)


@pytest.fixture
def disk(image):
    """The disk, in a folder that other accounts can reach."""
    with tempfile.TemporaryDirectory(prefix="leadintake-") as name:
        Path(name).chmod(0o755)
        with mounted(Path(name) / "disk", "-o", "loop", str(image)) as made:
            yield made.path


class Nothing:
    """The database is a file beside the others: nobody has to be killed, or started, for it."""

    def kill(self) -> None:
        pass

    recover = kill


@pytest.fixture
def database():
    """The server of the database, which loses its power too."""
    return Nothing()


@pytest.fixture
def database_url(template, disk):
    return fresh_copy(template, disk)


def mails_that_count_as_sent(database_url: str, folder: Path) -> int:
    """How many there are; each is a file that is whole."""
    engine = sa.create_engine(engine_url(database_url), poolclass=sa.NullPool)
    with engine.connect() as connection:
        sent = list(connection.scalars(sa.select(Notification.id).where(Notification.status == Status.SENT)))
    for message in sent:
        content = email.message_from_bytes((folder / f"{message}.eml").read_bytes())
        assert str(message) in (content["Message-ID"] or ""), f"the mail {message} is not whole"
        assert content.is_multipart()
    return len(sent)


def test_nothing_that_was_acknowledged_is_lost_when_the_power_goes(
    app, given, database, database_url, disk, image, tmp_path, engine_name
):
    given(UserFactory)
    with app.app_context():
        db.engine.dispose()
    run("sync")  # what was there before the service started
    instance, mails = disk / "instance", 0
    uploads = instance / "uploads"
    with serving(database_url, disk) as server:
        server.log = tmp_path / "server.log"
        prospects = Prospects(server.address)
        for cut in range(CUTS):
            secret = (instance / "secret_key").read_bytes()
            known = len(prospects.acknowledged)
            with ThreadPoolExecutor(1) as crowd:
                posting = crowd.submit(prospects.crowd, range(cut * CROWD, (cut + 1) * CROWD))
                prospects.wait_for(acknowledged=known + CROWD // 3)
                (disk / "unsynced").write_bytes(b"never synced" * 1000)
                cut_power(disk)
                server.kill()
                database.kill()
                posting.result()
            unmount(disk)
            run("mount", "-o", "loop", str(image), str(disk))
            lost = disk / "unsynced"
            assert not lost.exists() or lost.stat().st_size == 0, "the cut was none"
            lost.unlink(missing_ok=True)
            database.recover()
            audit(prospects.acknowledged, database_url, uploads).assert_stored()
            mails += mails_that_count_as_sent(database_url, instance / "mail")
            assert (instance / "secret_key").read_bytes() == secret
            end_leases(database_url)
            server.start()
        assert mails > 0
        assert {one.status for one in prospects.crowd(range(CUTS * CROWD), insisting=True)} == {201}

        def settled() -> bool:
            report = audit(prospects.acknowledged, database_url, uploads, faults=CUTS)
            return report.delivered == report.acknowledged

        wait_until(settled, "every message is sent", 120)
        swept = server.sweep()  # what a submission left that the cut took
        assert swept.returncode == 0, swept.stderr
    report = audit(prospects.acknowledged, database_url, uploads, faults=CUTS)
    report.assert_kept()
    record(report, "power cut on ext4", sa.make_url(database_url).get_backend_name())


class TestPostgreSQL:
    """The whole cluster is on the disk that loses its power."""

    @pytest.fixture
    def database(self, disk):
        with own_postgres(disk) as started:
            yield started

    @pytest.fixture
    def database_url(self, database, tmp_path):
        migrated = Server(database.url, tmp_path).run("db", "upgrade")
        assert migrated.returncode == 0, migrated.stderr
        return fresh_copy(database.url, tmp_path)

    test_nothing_that_was_acknowledged_is_lost = staticmethod(
        test_nothing_that_was_acknowledged_is_lost_when_the_power_goes
    )
