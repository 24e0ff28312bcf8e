"""The worker thread inside a web process: started once a process, woken by commits, stopped with it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

from flask import current_app

Run = Callable[["Stop"], None]


class Stop:
    """Says when to stop, and waits without missing a wake-up."""

    POLL_SECONDS = 0.2

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.woken = threading.Event()

    def __call__(self) -> bool:
        """Whether to stop. The main thread's end counts: a web server never tells its threads."""
        return self.asked.is_set() or not threading.main_thread().is_alive()

    def wait(self, seconds: float) -> None:
        """Sleep until woken or told to stop, `seconds` at most."""
        for _ in range(max(1, round(seconds / self.POLL_SECONDS))):
            if self() or self.woken.wait(self.POLL_SECONDS):
                break
        self.woken.clear()

    def rest(self, seconds: float) -> None:
        """Sleep until told to stop, `seconds` at most; wake-ups are for others."""
        for _ in range(max(1, round(seconds / self.POLL_SECONDS))):
            if self() or self.asked.wait(self.POLL_SECONDS):
                return


def start(run: Run, name: str = "worker") -> None:
    """Run the worker, or another of that name, in a thread of this process, unless one runs already."""
    key = "leadintake.embedded" if name == "worker" else f"leadintake.embedded.{name}"
    state = current_app.extensions.setdefault(key, {"guard": threading.Lock(), "pid": None})
    with state["guard"]:
        if state["pid"] == os.getpid():
            return
        state["pid"], state["stop"] = os.getpid(), Stop()
        # Not a daemon: at exit Python waits for the message in hand.
        state["thread"] = threading.Thread(target=run, args=(state["stop"],), name=f"leadintake-{name}")
        state["thread"].start()


def stop() -> None:
    """Ask the thread to stop and wait until it has."""
    state = current_app.extensions.get("leadintake.embedded", {})
    if state.get("pid") == os.getpid():
        state["stop"].asked.set()
        state["stop"].woken.set()
        state["thread"].join()
        state["pid"] = None


def wake() -> None:
    """Tell the thread that there is something to do. A worker elsewhere finds it within a second."""
    state = current_app.extensions.get("leadintake.embedded", {})
    if "stop" in state:
        state["stop"].woken.set()
