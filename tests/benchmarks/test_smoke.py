"""The benchmarks run, with next to nothing and whatever they find: `make smoke` runs those left out, too."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.support.engines import missing

ROOT = Path(__file__).parents[2]
ROOMS = (
    "pages", "searching", "submitting", "pending", "observing", "inspecting", "assigning", "delivering",
    "recording", "loading",
)  # fmt: skip
"""Not those that wait for a silent mail server, an attack, or a second server."""


def test_benchmarks_run_and_write_their_tables(tmp_path):
    if shutil.which("wrk") is None:
        missing("no wrk: apt-get install wrk")
    environment = {"SMOKE": "1", "LOAD_TARGETS": "granian", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *ROOMS],
        env={**os.environ, **environment},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert set(ROOMS) <= set(done.stdout.splitlines())
    pages = json.loads((tmp_path / "build" / "pages.json").read_text())
    assert len(pages) > 50
    assert all(value > 0 for row in pages for name, value in row.items() if name != "page")
    loads = json.loads((tmp_path / "build" / "loading.json").read_text())
    assert [load["target, clients"] for load in loads] == ["granian, 1", "granian, 8", "granian, 64"]
