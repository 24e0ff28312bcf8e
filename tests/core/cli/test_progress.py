"""Bars of long commands: on a terminal, and nowhere else."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

SCRIPT = """
from leadintake.core.cli.progress import track
for number in track(range(10_000), "Exporting", length={length}):
    pass
print("done")
"""


def start(length: object, stderr: int) -> subprocess.Popen[bytes]:
    program = [sys.executable, "-c", SCRIPT.format(length=length)]
    return subprocess.Popen(program, stdout=subprocess.PIPE, stderr=stderr)


def read_all(terminal: int) -> bytes:
    """What is written to a terminal until its last writer ends, which on Linux is an error."""
    seen = b""
    while True:
        try:
            seen += os.read(terminal, 4096)
        except OSError:
            return seen


@pytest.mark.parametrize(("length", "shown"), [(10_000, b"10000/10000"), (None, b"10000")])
def test_a_person_sees_how_far_it_is(length, shown):
    terminal, other_end = pty.openpty()
    with start(length, other_end) as program:
        os.close(other_end)
        seen = read_all(terminal)
        os.close(terminal)
        assert program.communicate()[0] == b"done\n"
    assert b"Exporting" in seen
    assert shown in seen


def test_a_program_sees_nothing_of_it():
    with start(10_000, subprocess.PIPE) as program:
        assert program.communicate() == (b"done\n", b"")
