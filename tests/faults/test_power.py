"""A power cut loses nothing acknowledged: the kernel saw every sync, in the one safe order, before the 201.

Read from a trace of the server's system calls. That a disk keeps what it says it synced is its own promise.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from leadintake.core.db.database import db, engine_url
from tests.factories import UserFactory
from tests.support.engines import fresh_copy, missing
from tests.support.ledger import Prospects, audit, file_of, record
from tests.support.server import serving, wait_until

CALLS = (
    "mkdir,mkdirat,openat,write,pwrite64,writev,sendto,sendmsg,recvfrom,fsync,fdatasync,"
    "rename,renameat,renameat2,unlink"
)
LINE = re.compile(r"(?P<thread>\d+) +(?P<what>.*)")
RESUMED = re.compile(r"<\.\.\. \w+ resumed>(?P<rest>.*)")
UNFINISHED = " <unfinished ...>"
ANSWERED = r'(writev?|sendto|sendmsg)\(\d+<[^>]*>, .*"HTTP/1\.1 201 '
SYNCED = r"f(data)?sync\(\d+<{path}>\) += 0"


@dataclass(frozen=True)
class Call:
    """A system call: who made it, what it was and returned, and its first and last line in the trace."""

    thread: str
    text: str
    began: int
    ended: int


class Trace:
    """What a server asked of the kernel, in order."""

    def __init__(self, text: str) -> None:
        self.calls: list[Call] = []
        begun: dict[str, tuple[str, int]] = {}
        for number, line in enumerate(text.splitlines()):
            match = LINE.fullmatch(line)
            assert match, f"not a line of a trace: {line}"
            thread, what = match["thread"], match["what"]
            if what.endswith(UNFINISHED):
                begun[thread] = (what.removesuffix(UNFINISHED), number)
            elif resumed := RESUMED.fullmatch(what):
                beginning, first = begun.pop(thread)
                self.calls.append(Call(thread, beginning + resumed["rest"], first, number))
            else:
                self.calls.append(Call(thread, what, number, number))

    def all(self, pattern: str) -> list[Call]:
        """The calls that match, in the order in which they ended."""
        return [call for call in self.calls if re.match(pattern, call.text)]

    def only(self, step: str, pattern: str) -> Call:
        """The one call that matches: a step that is missing or taken twice is a failure."""
        found = self.all(pattern)
        assert len(found) == 1, f"{step}: found {len(found)} times"
        return found[0]

    def first(self, step: str, pattern: str) -> Call:
        """The first call that matches."""
        found = self.all(pattern)
        assert found, f"{step}: not found"
        return found[0]

    def next(self, step: str, pattern: str, after: Call, thread: str | None = None) -> Call:
        """The first call that matches and began when `after` had ended."""
        for call in self.all(pattern):
            if call.began > after.ended and thread in (None, call.thread):
                return call
        raise AssertionError(f"{step}: not found after {after.text}")


@pytest.fixture
def traced(app, given, database_url, tmp_path):
    """Submit one form to a server under strace; the trace and the report."""
    given(UserFactory)
    with app.app_context():
        db.engine.dispose()  # the server is to make SQLite's log, so that the trace shows it
    trace, uploads = tmp_path / "trace", tmp_path / "instance" / "uploads"
    strace = ["strace", "-D", "-f", "-y", "-s", "96", "-e", f"trace={CALLS}", "-e", "signal=none"]
    _require_strace()
    with serving(database_url, tmp_path, under=[*strace, "-o", str(trace)]) as server:
        prospects = Prospects(server.address)
        assert prospects.submit(1) == 201
        wait_until(
            lambda: audit(prospects.acknowledged, database_url, uploads).delivered, "the messages are sent"
        )
        server.stop()
        wait_until(lambda: _is_over(trace, server.process.pid), "the trace is written")
    report = audit(prospects.acknowledged, database_url, uploads)
    report.assert_kept()
    return Trace("\n".join(_calls_in(trace))), report


def _require_strace() -> None:
    if shutil.which("strace") is None:
        missing("no strace")
    tried = subprocess.run(
        ["strace", "-D", "-f", "-o", "/dev/null", "true"], capture_output=True, check=False
    )
    if tried.returncode != 0:
        missing("strace may not trace here")


def _is_over(trace: Path, process: int) -> bool:
    return re.search(rf"^{process} +\+\+\+ ", trace.read_text(), re.MULTILINE) is not None


def _calls_in(trace: Path) -> list[str]:
    return [line for line in trace.read_text().splitlines() if "+++ " not in line]


def the_file_is_durable(trace: Trace, uploads: Path) -> Call:
    """Follow the upload to its place; the last step of it."""
    part, final = (re.escape(str(uploads)) + rf"/[0-9a-f-]+\.pdf{end}" for end in (r"\.part", ""))
    written = trace.all(rf"write\(\d+<{part}>, ")
    assert sum(int(call.text.rpartition("= ")[2]) for call in written) == len(file_of(1)), "write the upload"
    synced = trace.only("sync the file", SYNCED.format(path=part))
    assert written[-1].ended < synced.began, "the file is synced when all of it is written"
    renamed = trace.only("give it its name", rf'rename(at2?)?\(.*"{part}", .*"{final}".*\) += 0')
    assert synced.ended < renamed.began, "the file is given its name when it is synced"
    folder = SYNCED.format(path=re.escape(str(uploads)))
    return trace.next("sync the folder", folder, renamed, renamed.thread)


def everything_is_told_after(trace: Trace, commit: Call, tmp_path: Path) -> None:
    """Neither prospect nor attorney hears of a lead that a power cut could still take away."""
    answer = trace.only("answer 201", ANSWERED)
    assert commit.ended < answer.began, "the answer is given when the commit is durable"
    mail = re.escape(str(tmp_path / "instance" / "mail"))
    mails = trace.all(rf'openat\(.*"{mail}/[0-9a-f-]+\.\w+", O_WRONLY')
    assert len(mails) == 2, "write two messages"
    assert commit.ended < min(mail.began for mail in mails), "messages leave when the commit is durable"


def every_mail_is_durable(trace: Trace, folder: Path, recorded: str) -> None:
    """Follow each mail to its place: it is recorded as sent once the file and its name are synced."""
    name = re.escape(str(folder))
    made = trace.only("make the folder", rf'mkdir(at)?\(.*"{name}", \w+\) += 0')
    trace.next("sync the folder above it", SYNCED.format(path=re.escape(str(folder.parent))), made)
    named = trace.all(rf'rename(at2?)?\(.*"{name}/[0-9a-f-]+\.part", .*\.eml".*\) += 0')
    assert len(named) == 2, "give two mails their names"
    for mail in named:
        part = re.search(rf"{name}/[0-9a-f-]+\.part", mail.text)[0]
        synced = trace.only("sync the mail", SYNCED.format(path=re.escape(part)))
        assert synced.ended < mail.began, "a mail is given its name when it is synced"
        sent = trace.next("record that it is sent", recorded, mail, mail.thread)
        kept = trace.next("sync the folder of the mails", SYNCED.format(path=name), mail, mail.thread)
        assert kept.ended < sent.began, "a mail is recorded as sent when its name is durable"


def test_on_sqlite_the_answer_comes_after_the_sync_of_file_folder_and_log(traced, database_url, tmp_path):
    trace, report = traced
    stored = the_file_is_durable(trace, tmp_path / "instance" / "uploads")
    database = Path(database_url.removeprefix("sqlite:///"))
    log = re.escape(f"{database}-wal")
    lead = trace.next("write the lead to the log", rf"pwrite64\(\d+<{log}>, ", stored, stored.thread)
    commit = trace.next("sync the log", SYNCED.format(path=log), lead, stored.thread)
    everything_is_told_after(trace, commit, tmp_path)
    every_mail_is_durable(trace, tmp_path / "instance" / "mail", rf"pwrite64\(\d+<{log}>, ")
    made = trace.first("make the log", rf'openat\(.*"{log}", O_RDWR\|O_CREAT')
    folder = trace.next("sync the log's folder", SYNCED.format(path=re.escape(str(database.parent))), made)
    assert folder.ended < commit.ended, "the log has its name for good when the first commit is durable"
    record(report, "power: order of syncs", "sqlite")


def test_the_folder_of_the_files_has_its_own_name_for_good_before_the_answer(traced, tmp_path):
    trace, report = traced
    folder = tmp_path / "instance" / "uploads"
    made = trace.only("make the folder", rf'mkdir(at)?\(.*"{re.escape(str(folder))}", \w+\) += 0')
    synced = trace.next("sync the folder above it", SYNCED.format(path=re.escape(str(folder.parent))), made)
    assert synced.ended < trace.only("answer 201", ANSWERED).began
    record(report, "power: the new folder of the files", "sqlite")


class TestPostgreSQL:
    """The commit is the server's: what counts is that it answered, and that it syncs before it does."""

    @pytest.fixture
    def database_url(self, postgres, tmp_path):
        return fresh_copy(postgres.url, tmp_path)

    def test_the_answer_comes_after_the_sync_of_the_file_and_the_answer_to_commit(
        self, traced, database_url, tmp_path
    ):
        trace, report = traced
        stored = the_file_is_durable(trace, tmp_path / "instance" / "uploads")
        lead = trace.next("insert the lead", r'sendto\(.*"P\\0.*INSERT INTO leads', stored, stored.thread)
        asked = trace.next("ask to commit", r'sendto\(.*"Q\\0\\0\\0\\vCOMMIT\\0"', lead, stored.thread)
        commit = trace.next("be told it is", r'recvfrom\(.*"C\\0\\0\\0\\vCOMMIT\\0', asked, stored.thread)
        everything_is_told_after(trace, commit, tmp_path)
        every_mail_is_durable(trace, tmp_path / "instance" / "mail", r'sendto\(.*"P\\0.*UPDATE notifications')
        engine = sa.create_engine(engine_url(database_url), poolclass=sa.NullPool)
        with engine.connect() as connection:
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                assert connection.scalar(sa.text(f"SHOW {setting}")) == "on", setting
        record(report, "power: order of syncs", "postgresql")
