"""A worker that dies costs nobody a file; one that dies twice under it says: later."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from leadintake.core.errors import Unavailable
from leadintake.documents import workers
from tests.support.readers import PID, children
from tests.support.server import ROOT
from tests.support.waiting import until

LOOK = """
    import sys, types
    from pathlib import Path
    for name in ("leadintake", "leadintake.core", "leadintake.documents"):  # without all that they import
        sys.modules[name] = module = types.ModuleType(name)
        module.__path__ = [str(Path(sys.argv[3], *name.split(".")))]
    from leadintake.documents.inspector import inspector
    from leadintake.documents.inspection_queue import MachineSlots
    places = MachineSlots(Path(sys.argv[1]), 2)
    resume = sys.argv[2]
    def look(sender="here"):
        with open(resume, "rb") as file:
            return inspector.inspect(file, {".pdf"}, sender=sender, slots=places).kind.extension
"""
RESUME = ROOT / "tests" / "data" / "resumes" / "resume.pdf"


def once(folder: Path, code: str) -> str:
    """Code that does this the first time it runs."""
    return f"""
        import os, signal, time
        if not os.path.exists({str(folder / "done")!r}):
            os.close(os.open({str(folder / "done")!r}, os.O_CREAT))
            {code}
    """


def python(tmp_path: Path, code: str, first: str = "", **options: object) -> subprocess.CompletedProcess[str]:
    """Run a program of its own that can look into files."""
    program = first + textwrap.dedent(LOOK) + textwrap.dedent(code)
    command = [sys.executable, "-W", "error", "-c", program, str(tmp_path / "places"), str(RESUME), str(ROOT)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, **options)


@pytest.mark.parametrize(
    "end",
    [
        "os.kill(os.getpid(), signal.SIGKILL)",
        "os.kill(os.getpid(), signal.SIGTERM)",
        "os._exit(0)",
        "os.abort()",
    ],
)
def test_a_worker_that_is_killed_in_the_middle_is_followed_by_another(run, tmp_path, end):
    with capture_logs() as logs:
        assert run(once(tmp_path, end)).kind is None
    assert [line["event"] for line in logs] == ["inspection_worker_lost"]


def test_a_file_under_which_two_workers_are_killed_may_be_sent_again_later(run):
    with pytest.raises(Unavailable) as refused, capture_logs() as logs:
        run("import os; os.kill(os.getpid(), 9)")
    assert refused.value.status == 503
    assert int(refused.value.headers["Retry-After"]) > 0
    assert [line["event"] for line in logs] == ["inspection_worker_lost", "inspection_impossible"]
    assert run("pass").kind is None


def test_a_worker_that_is_killed_while_idle_is_nobodys_trouble(run):
    pid = int(run.told(PID))
    os.kill(pid, signal.SIGKILL)
    until(lambda: ") Z " in Path(f"/proc/{pid}/stat").read_text())
    assert run("pass").kind is None
    assert pid not in children()


@pytest.mark.parametrize(
    "words",
    [
        '{"last": false, "kind": ".exe"}',
        '{"last": false, "flags": ["harmless"]}',
        "[]",
        "{",
        '{"last": false, "more": 1}',
    ],
)
def test_what_is_no_answer_is_never_taken_for_one(run, words):
    with pytest.raises(Unavailable), capture_logs():
        run(f"import os; os.write(0, {(words + chr(10)).encode()!r}); os.read(0, 1)")


def test_a_worker_that_does_not_stop_talking_is_not_listened_to(run):
    with pytest.raises(Unavailable), capture_logs():
        run("import os\nwhile True: os.write(0, bytes(65536))")


def test_where_no_process_can_be_started_files_may_be_sent_again_later(run, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(Unavailable), capture_logs() as logs:
        run("pass")
    assert "No such file" in logs[0]["error"]


def test_a_process_that_somebody_else_has_waited_for_is_gone_all_the_same(run, inspector):
    run.told(PID)
    (idle,) = inspector._idle
    os.kill(idle.pid, signal.SIGKILL)
    os.waitpid(idle.pid, 0)
    assert run("pass").kind is None


def test_the_workers_of_a_server_that_is_killed_end_with_it(tmp_path):
    done = python(
        tmp_path,
        """
        import os
        print(look(), inspector._idle[0].pid, flush=True)
        os.kill(os.getpid(), 9)
    """,
    )
    ending, pid = done.stdout.split()
    assert (ending, done.returncode) == (".pdf", -9)
    until(lambda: not Path(f"/proc/{pid}").exists())


def test_a_program_that_ends_leaves_no_worker_and_no_warning(tmp_path):
    done = python(tmp_path, "print(look(), inspector._idle[0].pid)")
    assert (done.returncode, done.stderr) == (0, "")
    assert not Path(f"/proc/{done.stdout.split()[1]}").exists()


def test_a_forked_process_starts_workers_of_its_own(tmp_path):
    done = python(
        tmp_path,
        """
        import os
        look()
        mine = inspector._idle[0].pid
        if not os.fork():
            fine = look() == ".pdf" and inspector._idle[0].pid != mine
            inspector.close()
            os._exit(0 if fine else 1)
        _, status = os.wait()
        print(status, look(), inspector._idle[0].pid == mine)
    """,
    )
    assert done.stdout.split() == ["0", ".pdf", "True"], done.stderr


def test_neither_the_folder_nor_the_variables_of_the_server_change_how_a_worker_starts(tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    (gone / "inspection.py").write_text("raise SystemExit('the wrong one')")
    (gone / "json.py").write_text("raise SystemExit('the wrong one')")
    variables = {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONSTARTUP": "/nowhere"}
    done = python(
        tmp_path,
        f"""
        import os, shutil
        os.chdir({str(gone)!r})
        os.environ["PYTHONPATH"] = {str(gone)!r}
        os.environ["PYTHONHOME"] = "/nowhere"
        print(look())
        inspector.close()
        shutil.rmtree({str(gone)!r})
        print(look())
    """,
        env={**os.environ, **variables},
    )
    assert done.stdout.split() == [".pdf", ".pdf"], done.stderr


def test_under_gevent_everybody_else_goes_on_while_a_file_is_looked_into(tmp_path):
    done = python(
        tmp_path,
        """
        import gevent
        from leadintake.documents import workers
        workers.START_CODE = workers.START_CODE.replace("worker.main", '''
        import inspection, time
        def look(stream, accepted):
            end = time.process_time() + 0.3
            while time.process_time() < end: pass
            return inspection.Finding(inspection.BY_EXTENSION[".pdf"])
        worker.inspect = look
        worker.main''')
        ticks = 0
        def tick():
            global ticks
            while True:
                ticks += 1
                gevent.sleep(0.01)
        ticking = gevent.spawn(tick)
        found = gevent.joinall([gevent.spawn(look, str(n)) for n in range(4)], raise_error=True)
        print([one.value for one in found], ticks >= 10, inspector._queue.long_queue)
    """,
        first="from gevent import monkey; monkey.patch_all()",
    )
    assert done.stdout.strip() == "['.pdf', '.pdf', '.pdf', '.pdf'] True 512", done.stderr


def test_the_limits_that_end_a_worker_are_those_it_sets():
    assert {-signal.SIGPROF, -signal.SIGXCPU, -signal.SIGXFSZ} == workers.LIMIT_STATUSES
