"""The power goes: what was not synced is gone, and nothing that was acknowledged.

The file system is an ext4 of the test's own on a loop device. Its shutdown drops data and journal that were
not synced, as a machine does that loses its power; what a disk's own cache would lose is not tried.
"""

from __future__ import annotations

import email
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from leadintake.core.database import db, engine_url
from leadintake.notifications.models import Notification, Status
from tests.factories import UserFactory
from tests.support.disks import cut_power, image_of, mounted, run, unmount
from tests.support.engines import fresh_copy
from tests.support.ledger import Prospects, audit, end_leases, record
from tests.support.server import serving, wait_until

CUTS, CROWD, MEBIBYTES = 10, 60, 256
pytestmark = pytest.mark.long_form


@pytest.fixture
def image(tmp_path):
    return image_of(tmp_path / "image", MEBIBYTES)


@pytest.fixture
def disk(tmp_path, image):
    with mounted(tmp_path / "disk", "-o", "loop", str(image)) as made:
        yield made.path


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
    app, given, database_url, disk, image, tmp_path, engine_name
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
                posting.result()
            unmount(disk)
            run("mount", "-o", "loop", str(image), str(disk))
            lost = disk / "unsynced"
            assert not lost.exists() or lost.stat().st_size == 0, "the cut was none"
            lost.unlink(missing_ok=True)
            audit(prospects.acknowledged, database_url, uploads).assert_stored()
            mails += mails_that_count_as_sent(database_url, instance / "mail")
            assert (instance / "secret_key").read_bytes() == secret
            end_leases(database_url)
            server.start()
        assert mails > 0
        assert {one.status for one in prospects.crowd(range(CUTS * CROWD))} == {201}

        def settled() -> bool:
            report = audit(prospects.acknowledged, database_url, uploads, faults=CUTS)
            return report.delivered == report.acknowledged and not report.orphans

        wait_until(settled, "every message is sent", 240)
    report = audit(prospects.acknowledged, database_url, uploads, faults=CUTS)
    report.assert_kept()
    record(report, "power cut on ext4", engine_name)
