"""Writers of SQLite queue up, in this process and between processes, and nobody who ends holds them up."""

from __future__ import annotations

import fcntl
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from leadintake.core.db import locks, queue_file, writers
from leadintake.core.db.database import db, read_only
from leadintake.core.db.locks import Lock
from leadintake.core.db.transaction import transaction
from leadintake.notifications.models import Suppression
from tests.support.server import ROOT
from tests.support.waiting import all_at_once, until

WAIT_SECONDS = 45
BEGIN = """
import sys
from leadintake import create_app
from leadintake.core.db import queue_file, writers
from leadintake.core.db.database import db
from leadintake.core.db.transaction import transaction
from leadintake.notifications.models import Suppression

writers.WAIT_SECONDS = queue_file.QUEUE_SECONDS = 90
app = create_app(
    INSTANCE_PATH=sys.argv[1], DATABASE_URL=sys.argv[2], WORKER="external", WATCHDOG="external"
)

def write(name):
    with app.app_context(), transaction():
        db.session.add(Suppression(mailbox=name))

def line():
    with app.app_context(), db.engine.connect() as connection:
        return connection.connection.driver_connection.writers._line._places
"""
WRITE = BEGIN + "write('other')"
HOLD = (
    BEGIN
    + """
with app.app_context(), transaction():
    db.session.connection()
    print("in", flush=True)
    sys.stdin.read()
"""
)
Run = Callable[[str], subprocess.Popen[str]]


@pytest.fixture(autouse=True)
def _patience(monkeypatch):
    """Longer than the tests have: whoever is held up fails one."""
    monkeypatch.setattr(writers, "WAIT_SECONDS", 2 * WAIT_SECONDS)
    monkeypatch.setattr(queue_file, "QUEUE_SECONDS", 2 * WAIT_SECONDS)


@pytest.fixture
def run(app, tmp_path) -> Iterator[Run]:
    """Run a program on the same database; what is left of it at the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def start(program: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", program, str(tmp_path / "other"), app.config["DATABASE_URL"]]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        started.append(subprocess.Popen(command, text=True, cwd=ROOT, **pipes))
        return started[-1]

    yield start
    for one in started:
        one.kill()
        one.communicate()


def write(app, name: str) -> None:
    with app.app_context(), transaction():
        db.session.add(Suppression(mailbox=name))


def names(app) -> list[str]:
    """Who wrote, in that order."""
    with app.app_context():
        return [*db.session.scalars(sa.select(Suppression.mailbox).order_by(sa.text("rowid")))]


def waiting(app) -> int:
    """How many transactions of this process stand in line."""
    with app.app_context(), read_only(), db.engine.connect() as connection:
        return len(connection.connection.driver_connection.writers._line._places)


def somebody_has_the_file(app) -> bool:
    path = Path(app.config["DATABASE_URL"].removeprefix("sqlite:///") + "-queue")
    with path.open("r+") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def come(app, name: str) -> threading.Thread:
    """Write in a thread of its own, which stands in line when this returns."""
    before, thread = waiting(app), threading.Thread(target=write, args=(app, name), daemon=True)
    thread.start()
    until(lambda: waiting(app) > before)
    return thread


def test_who_came_first_writes_first(app):
    with app.app_context(), transaction():
        db.session.add(Suppression(mailbox="before"))
        db.session.flush()
        threads = [come(app, f"number {number}") for number in range(6)]
    for thread in threads:
        thread.join(WAIT_SECONDS)
    assert names(app) == ["before", *(f"number {number}" for number in range(6))]
    assert waiting(app) == 0


def test_another_process_that_waits_is_not_overtaken_by_who_comes_later(app, run):
    with app.app_context(), transaction():
        db.session.add(Suppression(mailbox="before"))
        db.session.flush()
        other = run(WRITE)
        until(lambda: somebody_has_the_file(app))
        thread = come(app, "later")
    thread.join(WAIT_SECONDS)
    assert other.communicate(timeout=WAIT_SECONDS) == ("", "")
    assert names(app) == ["before", "other", "later"]


class TestWhoEndsHoldsNobodyUp:
    def test_a_process_killed_in_its_transaction(self, app, run):
        holder = run(HOLD)
        assert holder.stdout.readline() == "in\n"
        threads, other = [come(app, "first"), come(app, "second")], run(WRITE)
        holder.send_signal(signal.SIGKILL)
        for thread in threads:
            thread.join(WAIT_SECONDS)
        assert other.communicate(timeout=WAIT_SECONDS) == ("", "")
        assert sorted(names(app)) == ["first", "other", "second"]

    def test_a_process_killed_as_the_next_of_all(self, app, run):
        with app.app_context(), transaction():
            db.session.execute(sa.update(Lock).values(name=Lock.name))
            other = run(WRITE)
            until(lambda: somebody_has_the_file(app))
            thread = come(app, "later")
            other.kill()
        thread.join(WAIT_SECONDS)
        assert names(app) == ["later"]

    def test_a_thread_that_fails_in_its_transaction(self, app):
        def fail() -> None:
            with app.app_context(), transaction():
                db.session.add(Suppression(mailbox="fails"))
                db.session.flush()
                threads.append(come(app, "next"))
                raise ZeroDivisionError

        threads: list[threading.Thread] = []
        with pytest.raises(ZeroDivisionError):
            fail()
        threads[0].join(WAIT_SECONDS)
        assert names(app) == ["next"]

    def test_a_thread_that_fails_while_it_waits(self, app, monkeypatch):
        def fail(*_arguments: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patched, app.app_context():
            patched.setattr(writers.Writers, "_ask", fail)
            with pytest.raises(KeyboardInterrupt), transaction():
                db.session.connection()
        assert waiting(app) == 0
        assert not somebody_has_the_file(app)
        write(app, "next")

    def test_a_commit_that_fails(self, app):
        """A foreign key may be checked at the commit; the transaction then goes on until its rollback."""

        def fail() -> None:
            with transaction():
                db.session.execute(sa.text("PRAGMA defer_foreign_keys = ON"))
                db.session.execute(sa.text("CREATE TABLE child (user_id REFERENCES users (id))"))
                db.session.execute(sa.text("INSERT INTO child VALUES ('nobody')"))
                threads.append(come(app, "next"))

        threads: list[threading.Thread] = []
        with app.app_context(), pytest.raises(sa.exc.IntegrityError):
            fail()
        threads[0].join(WAIT_SECONDS)
        assert names(app) == ["next"]

    def test_a_connection_that_is_closed(self, app):
        with app.app_context():
            with read_only(False), db.engine.connect() as connection:
                connection.begin()
                thread = come(app, "next")
                connection.invalidate()
            thread.join(WAIT_SECONDS)
        assert names(app) == ["next"]

    def test_a_fork_does_not_inherit_who_waits(self, app, run):
        with app.app_context(), transaction():
            db.session.execute(sa.update(Lock).values(name=Lock.name))
            parent = run(FORK)
            assert parent.stdout.readline() == "forked\n"
        parent.communicate(timeout=WAIT_SECONDS)
        assert parent.returncode == 0
        assert sorted(names(app)) == ["child", "thread"]


FORK = (
    BEGIN
    + """
import os, threading, time

thread = threading.Thread(target=write, args=("thread",))
thread.start()
while not line():
    time.sleep(0.01)
child = os.fork()
if child == 0:
    inherited = len(line())
    with app.app_context():
        db.engine.dispose(close=False)
    print("forked", flush=True)
    write("child")
    os._exit(inherited)
thread.join()
sys.exit(os.waitpid(child, 0)[1])
"""
)

GREENLETS = (
    """
from gevent import monkey
monkey.patch_all()
import gevent
"""
    + BEGIN
    + """
ticks = 0

def tick():
    global ticks
    while True:
        ticks += 1
        gevent.sleep(0.001)

order = []

def write_as(name):
    with app.app_context(), transaction():
        db.session.add(Suppression(mailbox=name))
        db.session.flush()
        order.append(name)

with app.app_context(), transaction():
    db.session.add(Suppression(mailbox="before"))
    db.session.flush()
    waiting = [gevent.spawn(write_as, name) for name in ("first", "second", "third", "fourth")]
    while len(line()) < 4:
        gevent.sleep(0.001)
    gevent.spawn(tick)
    while ticks < 20:
        gevent.sleep(0.001)
    gevent.killall(waiting[:2])
gevent.joinall(waiting)
print(order, len(line()))
"""
)


def test_under_gevent_others_go_on_while_writers_wait_and_a_killed_one_leaves_the_line(run):
    assert run(GREENLETS).communicate(timeout=WAIT_SECONDS) == ("['third', 'fourth'] 0\n", "")


def test_a_reader_that_comes_to_write_takes_its_place_in_line(app):
    """SQLite's own wait stops gevent, and so whoever it waits for; and whoever was overtaken is refused."""

    def hold() -> None:
        with app.app_context(), transaction():
            db.session.add(Suppression(mailbox="holder"))
            db.session.flush()
            holds.set()
            until(lambda: waiting(app) == 1)

    holds, holder = threading.Event(), threading.Thread(target=hold)
    with app.app_context(), read_only():
        assert names(app) == []
        db.session.scalars(sa.select(Suppression)).all()
        holder.start()
        assert holds.wait(15)
        locks.acquire("assignment")
        db.session.add(Suppression(mailbox="reader"))
        db.session.commit()
        holder.join(WAIT_SECONDS)
    assert names(app) == ["holder", "reader"]


def test_whoever_waits_too_long_is_refused_wherever_they_stand(app, monkeypatch):
    monkeypatch.setattr(writers, "WAIT_SECONDS", 0.1)
    with app.app_context(), transaction():
        db.session.execute(sa.update(Lock).values(name=Lock.name))

        def wait(number: int) -> None:
            with pytest.raises(sa.exc.OperationalError, match="database is locked"):
                write(app, f"number {number}")

        all_at_once(3, wait)
        assert waiting(app) == 0
    write(app, "next")
    assert names(app) == ["next"]


def test_a_file_that_cannot_be_made_keeps_nobody_from_writing(app):
    path = Path(app.config["DATABASE_URL"].removeprefix("sqlite:///") + "-queue")
    path.unlink(missing_ok=True)
    path.mkdir()
    write(app, "without")
    assert names(app) == ["without"]


def test_a_stopped_process_is_passed_over(app, run, monkeypatch):
    monkeypatch.setattr(queue_file, "QUEUE_SECONDS", 0.1)
    with app.app_context(), transaction():
        db.session.execute(sa.update(Lock).values(name=Lock.name))
        other = run(WRITE)
        until(lambda: somebody_has_the_file(app))
        other.send_signal(signal.SIGSTOP)
    write(app, "here")
    assert names(app) == ["here"]
    other.send_signal(signal.SIGCONT)
    assert other.communicate(timeout=WAIT_SECONDS) == ("", "")
    assert names(app) == ["here", "other"]
