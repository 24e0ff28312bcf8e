"""Workers whose reader runs the file it is given, as one with the worst of faults would."""

from __future__ import annotations

import io
import textwrap
from pathlib import Path

import pytest

from leadintake.documents import workers
from leadintake.documents.inspection import Finding
from leadintake.documents.inspection.findings import Refused
from leadintake.documents.inspection_queue import MachineSlots
from leadintake.documents.inspector import Inspector

MAX_CODE_LENGTH = 4096
RUN_WHAT_IS_READ = f"""
import inspection

def look(stream, accepted):
    stream.seek(0)
    names = {{"inspection": inspection, "stream": stream, "found": inspection.Finding(None)}}
    exec(stream.read({MAX_CODE_LENGTH}), names)
    return names["found"]

worker.inspect = look
"""
NEVER_ENDS_IN_C = "import re; re.match(r'(a+)+$', 'a' * 60 + 'b')"
PID = "__import__('os').getpid()"


def run_what_is_read(patch: pytest.MonkeyPatch, more: str = "") -> None:
    """Let the workers that are started from now on run what they are given, and `more` at their start."""
    start = workers.START_CODE.replace("worker.main", f"{RUN_WHAT_IS_READ}{more}\nworker.main")
    patch.setattr(workers, "START_CODE", start)


class Runner:
    """Runs code in a worker, in the place of a reader."""

    def __init__(self, inspector: Inspector, places: MachineSlots) -> None:
        self.inspector, self.places = inspector, places

    def __call__(self, code: str, sender: str = "here") -> Finding:
        """Run it."""
        stream = io.BytesIO(textwrap.dedent(code).encode())
        return self.inspector.inspect(stream, {".pdf"}, sender=sender, slots=self.places)

    def told(self, expression: str) -> str:
        """What an expression is worth there, written out: a refusal is told as it is."""
        with pytest.raises(Refused) as refused:
            self(f"raise inspection.findings.Refused(str({expression}))")
        return str(refused.value)


def children() -> set[int]:
    """The processes that this one has started, in whatever thread, and not yet waited for."""
    tasks = Path("/proc/self/task").iterdir()
    return {int(pid) for task in tasks for pid in (task / "children").read_text().split()}


def descriptors() -> int:
    """How many descriptors this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))
