"""Threads in a web process: started once, woken by commits, stopped with the process."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable

from flask import current_app

ThreadTarget = Callable[["Stop"], None]


class Stop:
    """Stop signal and waits of a thread. A wake-up before a wait ends it immediately."""

    POLL_SECONDS = 0.2

    def __init__(self) -> None:
        self.stop_event = threading.Event()
        self.wake_event = threading.Event()

    def __call__(self) -> bool:
        """Return whether to stop: also after the main thread ended, as web servers do not notify threads."""
        return self.stop_event.is_set() or not threading.main_thread().is_alive()

    def wait(self, seconds: float) -> None:
        """Wait at most `seconds` for a wake-up or stop."""
        for _ in range(max(1, round(seconds / self.POLL_SECONDS))):
            if self() or self.wake_event.wait(self.POLL_SECONDS):
                break
        self.wake_event.clear()

    def sleep(self, seconds: float) -> None:
        """Wait at most `seconds` for a stop. Wake-ups are left to `wait`."""
        for _ in range(max(1, round(seconds / self.POLL_SECONDS))):
            if self() or self.stop_event.wait(self.POLL_SECONDS):
                return


def install_stop_signal() -> Stop:
    """Return a Stop that SIGTERM and SIGINT set."""
    stop = Stop()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.stop_event.set())
    return stop


def start(run: ThreadTarget, name: str = "worker") -> None:
    """Run `run` in a thread of this process, unless one of this name runs."""
    key = "leadintake.embedded" if name == "worker" else f"leadintake.embedded.{name}"
    state = current_app.extensions.setdefault(key, {"guard": threading.Lock(), "pid": None})
    with state["guard"]:
        if state["pid"] == os.getpid():
            return
        state["pid"], state["stop"] = os.getpid(), Stop()
        # No daemon: at exit Python waits for the current delivery.
        state["thread"] = threading.Thread(target=run, args=(state["stop"],), name=f"leadintake-{name}")
        state["thread"].start()


def stop() -> None:
    """Stop the worker thread, and wait for its end."""
    state = current_app.extensions.get("leadintake.embedded", {})
    if state.get("pid") == os.getpid():
        state["stop"].stop_event.set()
        state["stop"].wake_event.set()
        state["thread"].join()
        state["pid"] = None


def wake() -> None:
    """Wake the worker thread of this process. Other workers look every second."""
    state = current_app.extensions.get("leadintake.embedded", {})
    if "stop" in state:
        state["stop"].wake_event.set()
