"""Structs are resolved before there are threads: a process of its own, where nothing has decoded one yet."""

from __future__ import annotations

import subprocess
import sys

UNRESOLVED = """
import gc, msgspec, sys
from leadintake import create_app

def structs_in(kind):
    for struct in kind.__subclasses__():
        yield struct
        yield from structs_in(struct)

def is_resolved(struct):
    return any(type(found).__name__ == "StructInfo" for found in gc.get_referents(struct))

app = create_app(INSTANCE_PATH=sys.argv[1], WORKER="external", WATCHDOG="external")
views = [view.interface for view in app.view_functions.values() if hasattr(view, "interface")]
asked = {struct for view in views for struct in (view.json, view.query) if struct}
assert len(asked) > 20, asked
every = {struct for struct in structs_in(msgspec.Struct) if struct.__module__.startswith("leadintake.")}
assert asked < every
print(*sorted(struct.__name__ for struct in every if not is_resolved(struct)))
"""


def test_no_struct_is_left_to_be_resolved_by_two_threads_at_once(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", UNRESOLVED, str(tmp_path)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["UserDeparted"]  # an event's, which nobody decodes
