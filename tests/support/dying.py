"""Our code in a process that is killed in front of a chosen line.

`Dying` starts one more process, which makes the application and then forks for every job: a fork of
pytest itself would take its threads' locks along. The child counts the lines of `leadintake` it comes to.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Any

import time_machine
from flask import Flask

import leadintake
from leadintake import create_app
from leadintake.documents import sweep as sweeping
from leadintake.documents.missing import Search
from leadintake.documents.ownership import ownership
from leadintake.documents.service import documents
from leadintake.notifications.embedded import Stop
from leadintake.notifications.worker import Worker
from tests.support.client import Client
from tests.support.ledger import LONG, file_of
from tests.support.server import ROOT

PACKAGE = str(Path(leadintake.__file__).parent) + os.sep
MAX_SECONDS = 600 if LONG else 60
"""What takes longer hangs, and is ended by the alarm."""


@dataclass(frozen=True)
class Line:
    """A line that was come to: its file inside the package, its function and its number."""

    file: str
    function: str
    number: int


@dataclass(frozen=True)
class End:
    """How a job ended: by a signal, or with what it says and the lines it came to."""

    signal: int
    said: Any
    lines: list[Line]

    @property
    def killed(self) -> bool:
        """Whether it died as it was to."""
        return self.signal == signal.SIGKILL


class Lines:
    """Notes every line of the package; kills the process in front of the one with the number `kill_at`."""

    def __init__(self, kill_at: int | None) -> None:
        self.kill_at = kill_at
        self.seen: list[tuple[str, str, int]] = []

    def __enter__(self) -> None:
        threading.settrace(self._call)
        sys.settrace(self._call)

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)
        threading.settrace(None)  # type: ignore[arg-type] # typeshed knows no way to end it

    def _call(self, frame: FrameType, _event: str, _argument: Any) -> Any:
        return self._line if frame.f_code.co_filename.startswith(PACKAGE) else None

    def _line(self, frame: FrameType, event: str, _argument: Any) -> Any:
        if event == "line":
            code = frame.f_code
            self.seen.append((code.co_filename.removeprefix(PACKAGE), code.co_name, frame.f_lineno))
            if len(self.seen) == self.kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
        return self._line


def submit(app: Flask, number: int) -> dict[str, Any]:
    """Post one form, the same as `ledger.Prospects` would."""
    app.test_client_class = Client
    form = {"first_name": "Jane", "last_name": f"Doe {number}", "email": f"jane{number}@example.com"}
    upload = (io.BytesIO(file_of(number)), "resume.pdf")
    answer = app.test_client().submit(f"submission-{number}", **form, resume_file=upload)
    return {"status": answer.status_code, "lead": (answer.json or {}).get("id")}


def work(app: Flask, _number: int) -> int:
    """Deliver what is due, as a worker that has just been started."""
    with app.app_context():
        return Worker(app).deliver_due(Stop())


def sweep(app: Flask, _number: int) -> list[str]:
    """Move files that no document owns to the trash; name the documents whose file is missing."""
    with app.app_context():
        ownership.adopt(documents.storage)
        sweeping.sweep(really=True)
        return [str(missing.document) for missing in Search()]


JOBS: Mapping[str, Callable[[Flask, int], Any]] = {"submit": submit, "work": work, "sweep": sweep}


class Dying:
    """The process that forks."""

    def __init__(self, pipe: subprocess.Popen[str]) -> None:
        self._pipe = pipe

    def do(self, job: str, number: int = 0, *, kill_at: int | None = None) -> End:
        """Do a job in a child whose lines are counted, killed in front of the one of that number."""
        return self._order(job, number, counted=True, kill_at=kill_at, ahead_seconds=0)

    def must(self, job: str, number: int = 0, *, ahead_seconds: float = 0) -> Any:
        """Do a job that is not killed, with a clock that may be ahead; what it says."""
        end = self._order(job, number, counted=False, kill_at=None, ahead_seconds=ahead_seconds)
        assert end.signal == 0, f"{job} {number} ended by signal {end.signal}"
        return end.said

    def _order(self, job: str, number: int, **how: Any) -> End:
        order = {"job": job, "number": number, **how}
        self._pipe.stdin.write(json.dumps(order) + "\n")
        self._pipe.stdin.flush()
        answer = self._pipe.stdout.readline()
        assert answer, "the process that forks has ended itself"
        ended = json.loads(answer)
        told = ended["told"] or {"said": None, "lines": []}
        return End(ended["signal"], told["said"], [Line(*line) for line in told["lines"]])


@contextmanager
def dying(environment: Mapping[str, str], log: Path) -> Iterator[Dying]:
    """Start the process that forks, with the settings of `environment`."""
    command = [sys.executable, "-m", "tests.support.dying"]
    with (
        log.open("ab") as errors,
        subprocess.Popen(
            command, cwd=ROOT, env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
        ) as pipe,
    ):  # fmt: skip
        yield Dying(pipe)
        pipe.stdin.close()


def _child(app: Flask, order: dict[str, Any], pipe: int) -> None:
    signal.alarm(MAX_SECONDS)
    lines = Lines(order["kill_at"])
    with (
        time_machine.travel(datetime.now(UTC) + timedelta(seconds=order["ahead_seconds"]), tick=True),
        lines if order["counted"] else contextlib.nullcontext(),
    ):
        said = JOBS[order["job"]](app, order["number"])
    with os.fdopen(pipe, "w") as out:
        json.dump({"said": said, "lines": lines.seen}, out)


def _fork(app: Flask, order: dict[str, Any]) -> dict[str, Any]:
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ours)
        try:
            _child(app, order, theirs)
        except BaseException:  # noqa: BLE001 - whatever it is, the child must not go on as its parent
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        os._exit(0)
    os.close(theirs)
    with os.fdopen(ours) as pipe:
        told = pipe.read()
    _, status = os.waitpid(child, 0)
    died = os.WIFSIGNALED(status)
    assert died or os.WEXITSTATUS(status) == 0, "the job failed; its reason is in the log"
    return {"signal": os.WTERMSIG(status) if died else 0, "told": json.loads(told) if told else None}


def main() -> None:
    """Fork for every line of orders."""
    app = create_app(TESTING=True)
    for line in sys.stdin:
        print(json.dumps(_fork(app, json.loads(line))), flush=True)  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
