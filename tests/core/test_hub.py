"""Work in the background gets the processor last, and its caller keeps its own priority."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from leadintake.auth import passwords
from leadintake.core.hub import NICENESS, run_in_background

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="only there a thread has a priority of its own"
)
GREENLETS = """
from gevent import monkey
monkey.patch_all()
import os, _thread
from leadintake.core.hub import run_in_background
def priority():
    return os.getpriority(os.PRIO_PROCESS, _thread.get_native_id())
before = priority()
print(run_in_background(priority), priority() == before)
"""


def priority() -> int:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


def test_it_runs_last_and_the_caller_keeps_its_priority():
    before = priority()
    assert run_in_background(priority) == NICENESS
    assert priority() == before


def test_so_it_does_under_gevent():
    done = subprocess.run([sys.executable, "-c", GREENLETS], capture_output=True, text=True, check=True)
    assert done.stdout == f"{NICENESS} True\n"


@pytest.mark.parametrize(("is_known", "expected"), [(True, False), (False, True)])
def test_a_stranger_s_password_is_hashed_last(monkeypatch, is_known, expected):
    found = []
    monkeypatch.setattr(passwords, "_fits", lambda *_: found.append(priority() == NICENESS) or False)
    passwords.verify("hash", "some password", is_known=is_known)
    assert found == [expected]
