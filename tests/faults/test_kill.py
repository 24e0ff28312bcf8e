"""kill -9 in the middle of the work: what was acknowledged is there, and everyone is told."""

from __future__ import annotations

import hashlib
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
import sqlalchemy as sa

from leadintake.core.database import engine_url
from tests.factories import UserFactory
from tests.support.client import PDF
from tests.support.server import serving, wait_until

pytestmark = pytest.mark.every_engine
SUBMISSIONS = 200
ATTORNEYS = 4


class Prospects:
    """Many people posting at once, each remembering what they were told."""

    def __init__(self, server) -> None:
        self.server = server
        self.acknowledged: dict[str, str] = {}
        self.half_way = threading.Event()

    def submit(self, number: int) -> None:
        """Post one form; no answer is an answer too."""
        content = PDF + b"%% %d" % number
        form = {"first_name": "Jane", "last_name": f"Doe {number}", "email": f"jane{number}@example.com"}
        try:
            answer = requests.post(
                f"{self.server.address}/public/leads",
                data=form,
                files={"resume_file": ("resume.pdf", content, "application/pdf")},
                headers={"Idempotency-Key": f"submission-{number}"},
                timeout=30,
            )
        except requests.RequestException:
            return
        if answer.status_code == 201:
            self.acknowledged[answer.json()["id"]] = hashlib.sha256(content).hexdigest()
            if len(self.acknowledged) >= SUBMISSIONS // 2:
                self.half_way.set()


@pytest.fixture
def database(database_url):
    """Reads what the server wrote, from outside."""
    engine = sa.create_engine(engine_url(database_url))

    def read(query: str) -> list[tuple]:
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(sa.text(query))]

    yield read
    engine.dispose()


def test_every_acknowledged_lead_survives_kill_9_and_all_its_messages_are_sent(
    app, given, database, database_url, tmp_path
):
    for _ in range(ATTORNEYS):
        given(UserFactory)
    with serving(database_url, tmp_path) as server:
        prospects = Prospects(server)
        with ThreadPoolExecutor(16) as crowd:
            posts = [crowd.submit(prospects.submit, number) for number in range(SUBMISSIONS)]
            assert prospects.half_way.wait(60)
            server.kill()
            for post in posts:
                post.result()
        acknowledged = dict(prospects.acknowledged)
        assert SUBMISSIONS // 2 <= len(acknowledged) < SUBMISSIONS
        _audit(acknowledged, database, tmp_path)

        server.start()
        with ThreadPoolExecutor(16) as crowd:  # everybody who had no answer tries again
            list(crowd.map(prospects.submit, range(SUBMISSIONS)))
        assert len(prospects.acknowledged) == SUBMISSIONS
        assert acknowledged.items() <= prospects.acknowledged.items()
        _audit(prospects.acknowledged, database, tmp_path)
        wait_until(lambda: _unsent(database) == [], "every message is sent")
        mails = list((tmp_path / "instance" / "mail").glob("*.eml"))
        assert len(mails) == 2 * SUBMISSIONS

        swept = server.run("storage", "sweep", "--format", "json")
        assert swept.returncode == 0, swept.stderr
        assert server.stop() == 0
    files = list((tmp_path / "instance" / "uploads").iterdir())
    assert len(files) == SUBMISSIONS
    assert {hashlib.sha256(file.read_bytes()).hexdigest() for file in files} == set(
        prospects.acknowledged.values()
    )


def _audit(acknowledged, database, folder) -> None:
    """Compare what people were told with what is there."""
    stored = {
        str(lead).replace("-", ""): (key, sha256)
        for lead, key, sha256 in database(
            "SELECT leads.id, documents.key, documents.sha256 FROM leads"
            " JOIN documents ON documents.id = leads.resume_id"
        )
    }
    owed = dict(database("SELECT lead_id, COUNT(*) FROM notifications GROUP BY lead_id"))
    owed = {str(lead).replace("-", ""): count for lead, count in owed.items()}
    for lead, sha256 in acknowledged.items():
        key, recorded = stored[lead.replace("-", "")]
        content = (folder / "instance" / "uploads" / key).read_bytes()
        assert hashlib.sha256(content).hexdigest() == recorded == sha256
        assert owed[lead.replace("-", "")] == 2
    assert set(owed.values()) <= {2}
    loads = [count for _, count in database("SELECT assignee_id, COUNT(*) FROM leads GROUP BY assignee_id")]
    assert max(loads) - min(loads) <= 1


def _unsent(database) -> list[tuple]:
    return database("SELECT id FROM notifications WHERE status <> 'sent'")


def test_sigterm_lets_requests_finish_and_exits_cleanly(app, given, database_url, tmp_path):
    given(UserFactory)
    with serving(database_url, tmp_path) as server:
        prospects = Prospects(server)
        prospects.submit(1)
        assert len(prospects.acknowledged) == 1
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(30) == 0
