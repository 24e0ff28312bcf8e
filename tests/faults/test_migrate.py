"""Files move to another storage by a program that is killed, while people post and download."""

from __future__ import annotations

import hashlib
import itertools
import json
import random
import shutil
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
import sqlalchemy as sa

from leadintake.auth.models import User
from leadintake.auth.permissions import Permission
from leadintake.auth.tokens.service import tokens
from leadintake.core.actor import OPERATOR
from leadintake.core.db.database import db, engine_url
from leadintake.core.db.transaction import transaction
from leadintake.documents.models import Document
from tests.factories import UserFactory
from tests.support.ledger import LONG, Prospects, audit, record
from tests.support.s3 import QUIET, found_at, make_bucket, own_s3
from tests.support.server import Process, running, serving, wait_until

pytestmark = [pytest.mark.filterwarnings(warning) for warning in QUIET]
FILES = 1_000 if LONG else 40
KILLS = 5 if LONG else 1
CLIENTS = 8 if LONG else 2
PAUSE_SECONDS = 0.02 if LONG else 0.15
TARGET = "s3://resumes/prefix"


class Readers:
    """Clients that post a new lead, then download one of all there are, until told to stop."""

    def __init__(self, server, prospects: Prospects, token: str) -> None:
        self.server, self.prospects = server, prospects
        self.headers = {"Authorization": f"Bearer {token}"}
        self.over = threading.Event()
        self.numbers = itertools.count(FILES)
        self.downloads = 0

    def run(self) -> None:
        """Be one client."""
        chance = random.Random()
        while not self.over.wait(PAUSE_SECONDS):
            assert self.prospects.insist(next(self.numbers)).status == 201
            self.download(chance.choice(list(self.prospects.acknowledged)))

    def download(self, lead: str) -> None:
        """Compare a lead's file with what was sent."""
        address = f"{self.server.address}/internal/leads/{lead}/resume"
        answer = requests.get(address, headers=self.headers, timeout=60)
        assert answer.status_code == 200, answer.text
        assert hashlib.sha256(answer.content).hexdigest() == self.prospects.acknowledged[lead], lead
        self.downloads += 1


def test_of_a_move_that_is_killed_again_and_again_every_download_is_equal_at_all_times(
    app, given, database_url, tmp_path
):
    manager = given(UserFactory, "manager")
    given(UserFactory)
    with app.app_context():
        with transaction():
            user = db.session.get(User, manager.id)
            token, _ = tokens.add(user, "Test", [Permission.READ_LEADS], 1, actor=OPERATOR)
        db.engine.dispose()
    uploads = tmp_path / "instance" / "uploads"
    engine = sa.create_engine(engine_url(database_url), poolclass=sa.NullPool)

    def switched() -> int:
        count = sa.select(sa.func.count()).where(Document.storage.is_not(None))
        with engine.connect() as connection:
            return connection.scalar(count) or 0

    with own_s3() as address, serving(database_url, tmp_path, around=found_at(address)) as server:
        make_bucket(address, "resumes")
        prospects = Prospects(server.address)
        assert {told.status for told in prospects.crowd(range(FILES), insisting=True)} == {201}
        readers = Readers(server, prospects, token)

        def migrate() -> dict[str, int]:
            done = server.run("storage", "migrate", f"file:{uploads}", TARGET, "--format", "json")
            assert done.returncode == 0, done.stderr
            return {end: number for end, number in json.loads(done.stdout)[0].items() if number}

        command = [sys.executable, "-m", "flask", "storage", "migrate", f"file:{uploads}", TARGET]
        with ThreadPoolExecutor(CLIENTS) as people:
            clients = [people.submit(readers.run) for _ in range(CLIENTS)]
            try:
                for kill in range(KILLS):
                    enough = (kill + 1) * FILES // (KILLS + 2)
                    moving = Process(command, server.environment, tmp_path / "migrate.log")
                    with running(moving):
                        wait_until(lambda enough=enough: switched() >= enough, "some files were moved")
                        assert moving.process.poll() is None, "it was done before it was killed"
                        moving.kill()
                assert migrate().get("copied", 0) > 0
            finally:
                readers.over.set()
            for client in clients:
                client.result()
        assert readers.downloads > CLIENTS
        assert server.stop() == 0

        server.environment["LEADINTAKE_STORAGE_URL"] = TARGET
        server.start()
        migrate()  # what came after the last row was switched
        assert migrate() == {}
        report = audit(prospects.acknowledged, database_url, uploads, faults=KILLS)
        assert report.stored == report.acknowledged == len(prospects.acknowledged)
        shutil.rmtree(uploads)
        for lead in prospects.acknowledged:
            readers.download(lead)
        assert server.stop() == 0
    engine.dispose()
    record(report, f"{KILLS} kills of a move to another storage", "sqlite")
