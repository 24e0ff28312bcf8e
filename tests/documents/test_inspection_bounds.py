"""What one file may take: CPU time, memory, room on the disk, and time by the clock."""

from __future__ import annotations

import io
import resource
import tempfile
import textwrap
import time

import pytest
from structlog.testing import capture_logs

from leadintake.core.errors import Unavailable
from leadintake.documents import inspector as inspecting
from leadintake.documents.inspection.findings import Refused
from tests.support.files import FOLDER
from tests.support.readers import (
    MAX_CODE_LENGTH,
    NEVER_ENDS_IN_C,
    PID,
    children,
    descriptors,
    run_what_is_read,
)

TOO_COMPLICATED = "too complicated to be checked"
SPIN = """
import time
end = time.process_time() + 0.2
while time.process_time() < end: pass
"""


def test_a_search_in_c_without_end_is_ended_after_the_cpu_time_of_one_file(run, inspector, monkeypatch):
    monkeypatch.setattr("leadintake.documents.inspector.ANSWER_SECONDS", 300)  # its turn may come late
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with pytest.raises(Refused, match=TOO_COMPLICATED), capture_logs() as logs:
        run(NEVER_ENDS_IN_C)
    inspector.close()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert [line["event"] for line in logs] == ["inspection_exhausted"]  # and tried once
    assert 1 < after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 2


def test_the_text_of_a_file_costs_no_more_than_its_inspection(inspector, places):
    endless = b"{\\rtf1{\\info " + b"\\a " * 4_000_000 + b"}}"
    with pytest.raises(Refused, match=TOO_COMPLICATED), capture_logs() as logs:
        inspector.extract(io.BytesIO(endless), ".rtf", sender="", slots=places)
    assert [line["event"] for line in logs] == ["inspection_exhausted"]
    assert inspector.extract(io.BytesIO(b"Jane Doe"), ".txt", sender="", slots=places) == "Jane Doe"


def test_the_cpu_time_is_counted_for_each_file_anew(run, monkeypatch):
    run_what_is_read(monkeypatch, "worker.CPU_SECONDS = 0.3")
    first = run.told(PID)
    for _ in range(3):
        run(SPIN)
    assert run.told(PID) == first


def test_no_cpu_time_is_counted_while_a_worker_is_idle(run, monkeypatch):
    run_what_is_read(monkeypatch, "worker.CPU_SECONDS = 0.3")
    first = run.told(PID)
    clock = f"__import__('signal').getitimer({2})"  # ITIMER_PROF
    assert float(run.told(clock).strip("()").partition(",")[0]) > 0.2
    assert run.told(PID) == first


@pytest.mark.parametrize(
    "code",
    [
        "b = bytearray(64 << 20)",
        "import mmap; m = mmap.mmap(-1, 256 << 20)",
        "import zlib; zlib.decompress(zlib.compress(bytes(100)), bufsize=1 << 30)",
        "import re; re.compile('x*').findall('x' * (40 << 20))",
        "l = [[] for _ in range(10_000_000)]",
        "import tempfile\nwith tempfile.TemporaryFile() as f:\n for _ in range(64): f.write(bytes(1 << 20))",
        "f = lambda: f()\nf()",
    ],
)
def test_what_takes_too_much_memory_or_room_is_refused_in_plain_words(run, code):
    with pytest.raises(Refused, match=TOO_COMPLICATED), capture_logs() as logs:
        run(code)
    assert [line["event"] for line in logs] == ["inspection_exhausted"]
    assert run("pass").kind is None


def test_memory_stays_below_30_mb_above_the_idle_worker(run):
    peak = "int(next(l for l in open('/proc/self/status') if l.startswith('VmHWM')).split()[1])"
    idle = int(run.told(peak))
    all_there_is = """
        pieces = []
        try:
            while True: pieces.append(bytearray(b"x") * (1 << 18))
        except MemoryError:
            pass
    """
    with pytest.raises(Refused) as refused:
        run(f"{all_there_is}\n        raise inspection.findings.Refused(str({peak}))")
    most = int(str(refused.value))
    assert 20 * 1024 < most - idle < 30 * 1024


def test_a_long_file_may_be_mapped_whatever_its_length(run):
    code = """
        import mmap
        m = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        found = inspection.Finding(inspection.BY_EXTENSION[".pdf"] if m[-1] == 0 else None)
        #"""
    with tempfile.TemporaryFile() as file:
        file.write(textwrap.dedent(code).encode().ljust(MAX_CODE_LENGTH))
        file.truncate(300 * 1024 * 1024)
        assert run.inspector.inspect(file, {".pdf"}, sender="here", slots=run.places).kind


def test_memory_that_is_not_given_back_ends_the_worker_and_not_the_next_file(run):
    first = run.told(PID)
    assert run("inspection.kept = bytearray(4 << 20)").kind is None
    assert run.told(PID) == first
    assert run("inspection.kept_too = bytearray(12 << 20)").kind is None
    assert run.told(PID) != first


def test_a_worker_is_replaced_after_so_many_files(run, monkeypatch):
    run_what_is_read(monkeypatch, "worker.MAX_FILES = 2")
    pids = [run.told(PID) for _ in range(4)]
    assert pids[0] == pids[1] != pids[2] == pids[3]


def test_a_worker_that_waits_for_ever_is_given_up_and_the_next_file_goes_on(run, monkeypatch):
    monkeypatch.setattr(inspecting, "ANSWER_SECONDS", 0.5)
    before = children()
    started = time.monotonic()
    with pytest.raises(Unavailable) as refused:
        run("__import__('time').sleep(60)")
    assert time.monotonic() - started < 30
    assert refused.value.headers["Retry-After"]
    assert children() == before
    monkeypatch.undo()
    run_what_is_read(monkeypatch)
    assert run("pass").kind is None


def test_a_fault_of_a_reader_refuses_the_file_and_is_told_to_the_log(run):
    with pytest.raises(Refused, match=TOO_COMPLICATED), capture_logs() as logs:
        run("1 / len('canary'[6:])")
    (line,) = logs
    assert (line["event"], line["log_level"]) == ("inspection_failed", "error")
    assert line["trace"].endswith("\nZeroDivisionError")


def test_what_a_reader_quotes_of_a_document_is_not_told_to_the_log(run):
    with pytest.raises(Refused, match=TOO_COMPLICATED), capture_logs() as logs:
        run("int('can' + 'ary')")
    assert logs[0]["trace"].endswith("\nValueError")
    assert "canary" not in logs[0]["trace"]


def test_no_descriptor_and_no_process_is_left_by_a_thousand_inspections(run, inspector, places):
    run.told(PID)
    before, processes = descriptors(), children()
    for number in range(1000):
        with (FOLDER / "resume.pdf").open("rb") as file:
            if number % 100 == 50:
                with pytest.raises(Unavailable):
                    run("import os; os._exit(3)")
            elif number % 2:
                run("pass")
            else:
                with pytest.raises(Refused), capture_logs():
                    inspector.inspect(file, {".pdf"}, sender="here", slots=places)  # it is no Python
    assert descriptors() == before
    assert len(children()) == len(processes)
