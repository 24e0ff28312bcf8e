"""Passwords: which are too weak, and how they are kept."""

from __future__ import annotations

import subprocess
import sys

import argon2
import pytest

from leadintake.auth import passwords
from leadintake.auth.passwords import WeakPassword, refuse_weak
from tests.support.server import ROOT


@pytest.mark.parametrize(
    ("password", "because"),
    [
        ("", "at least 12"),
        ("elevenchars", "at least 12"),
        ("x" * 1025, "at most 1024"),
        ("aaaaaaaaaaaaaaaa", "first that are tried"),
        ("abababababababab", "first that are tried"),
        ("password1234", "first that are tried"),
        ("PASSWORD2024!!", "first that are tried"),
        ("leadintake is mine", "Leave your name"),
        ("my name is Amara", "Leave your name"),
        ("AMARA.OKAFOR and more", "Leave your name"),
    ],
)
def test_a_weak_password_is_refused_and_the_reason_told(password, because):
    with pytest.raises(WeakPassword, match=because):
        refuse_weak(password, "leadintake", "amara.okafor@firm.example.com", "Amara Okafor")


@pytest.mark.parametrize(
    "password",
    [
        "unrelated words for testing",
        "twelve chars",
        "\u5c65\u6b74\u66f8\u3068\u96e8\u306e\u65e5\u306e\u7c73\u5c4b\u3055\u3093",
        "x7" * 500 + "abc",
        "firm.example.com",  # the domain is no secret of theirs, but no name either
        "anna likes tea",
    ],
)
def test_a_long_password_needs_no_other_rules(password):
    refuse_weak(password, "leadintake", "amara.okafor@firm.example.com", "An O")


def test_two_hashes_of_one_password_differ_and_both_fit():
    one, two = (passwords.hash_password("unrelated words") for _ in range(2))
    assert one != two
    assert passwords.verify(one, "unrelated words")
    assert passwords.verify(two, "unrelated words")
    assert not passwords.verify(one, "unrelated word")


def test_without_a_hash_no_password_fits_not_even_that_of_the_stand_in():
    assert passwords.verify(None, "nobody has this password") is False


def test_real_hashes_are_argon2id_of_rfc_9106(monkeypatch):
    monkeypatch.undo()
    used = argon2.extract_parameters(passwords.hash_password("unrelated words"))
    assert used.type is argon2.Type.ID
    assert (used.memory_cost, used.time_cost, used.parallelism) == (64 * 1024, 3, 4)


BESIDE_A_HASH = """
from gevent import monkey
monkey.patch_all()
import gevent
from leadintake.auth import passwords

ticks = 0

def tick():
    global ticks
    while True:
        ticks += 1
        gevent.sleep(0.001)

gevent.spawn(tick)
gevent.sleep(0)
kept = passwords.hash_password("unrelated words")
during, ticks = ticks, 0
assert passwords.verify(kept, "unrelated words") and not passwords.verify(kept, "other words")
print(during, ticks)
"""


def test_under_gevent_others_go_on_while_a_password_is_hashed():
    done = subprocess.run(
        [sys.executable, "-c", BESIDE_A_HASH], capture_output=True, text=True, check=True, cwd=ROOT
    )
    during, then = map(int, done.stdout.split())
    assert during > 1, "one is the tick before it began"
    assert then > 2
    assert done.stderr == ""
