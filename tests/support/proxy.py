"""A wire between a client and a server that can be cut, or fall silent."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum

from tests.support.mailserver import HOST
from tests.support.waiting import WAIT_SECONDS

MAX_BYTES = 1 << 20


class Cut(Enum):
    """On which side of the server a message is lost, and the connection with it."""

    QUESTION = "it never arrives"
    ANSWER = "it arrives, its answer does not"


class Proxy:
    """Passes bytes on, until told to do harm."""

    def __init__(self, port: int) -> None:
        self.target = port
        self.has_cut = threading.Event()
        self._flows = threading.Event()
        self._flows.set()
        self._planned: tuple[Cut, bytes, bytes] | None = None
        self._plan = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listening = socket.create_server((HOST, 0))
        self.port = int(self._listening.getsockname()[1])

    def cut_once(self, cut: Cut, message: bytes, after: bytes) -> None:
        """Break the next connection that says `message` after it said `after`."""
        self.has_cut.clear()
        self._planned = (cut, message, after)

    def freeze(self) -> None:
        """Pass nothing on; accept as before."""
        self._flows.clear()

    def thaw(self) -> None:
        """Pass on what was held back, and all that follows."""
        self._flows.set()

    def serve(self) -> None:
        """Accept until closed."""
        while True:
            try:
                near, _ = self._listening.accept()
            except OSError:
                return
            try:
                far = socket.create_connection((HOST, self.target))
            except OSError:
                near.close()
                continue
            self._sockets += [near, far]
            _Link(self, near, far).start(self._threads)

    def close(self) -> None:
        """End every connection and thread."""
        self.thaw()
        for one in (self._listening, *self._sockets):
            _end(one)
        for thread in self._threads:
            thread.join(WAIT_SECONDS)

    def wait(self) -> None:
        """Wait while frozen."""
        self._flows.wait()

    def judge(self, said: bytes) -> Cut | None:
        """Whether to break a connection on which this was said; only one is broken."""
        with self._plan:
            if self._planned is None:
                return None
            cut, message, after = self._planned
            if after not in said or message not in said.rpartition(after)[2]:
                return None
            self._planned = None
        return cut


class _Link:
    """One connection, passed on both ways."""

    def __init__(self, proxy: Proxy, near: socket.socket, far: socket.socket) -> None:
        self.proxy, self.near, self.far = proxy, near, far
        self.answers_are_lost = False

    def start(self, threads: list[threading.Thread]) -> None:
        for way in (self._ask, self._answer):
            threads.append(threading.Thread(target=self._until_broken, args=(way,)))
            threads[-1].start()

    def _until_broken(self, way) -> None:
        with contextlib.suppress(OSError):  # one end is gone; so is the other, then
            way()
        _end(self.near)
        _end(self.far)

    def _ask(self) -> None:
        said = b""
        while data := self.near.recv(MAX_BYTES):
            self.proxy.wait()
            said = (said + data)[-MAX_BYTES:]
            cut = self.proxy.judge(said)
            if cut is Cut.QUESTION:
                self.proxy.has_cut.set()
                return
            self.answers_are_lost = self.answers_are_lost or cut is Cut.ANSWER
            self.far.sendall(data)

    def _answer(self) -> None:
        while data := self.far.recv(MAX_BYTES):
            self.proxy.wait()
            if self.answers_are_lost:
                self.proxy.has_cut.set()
                return
            self.near.sendall(data)


@contextmanager
def proxy_to(port: int) -> Iterator[Proxy]:
    """A proxy to a port of this machine."""
    proxy = Proxy(port)
    thread = threading.Thread(target=proxy.serve)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.close()
        thread.join(WAIT_SECONDS)


def _end(one: socket.socket) -> None:
    with contextlib.suppress(OSError):  # ended already
        one.shutdown(socket.SHUT_RDWR)  # wakes the thread that reads it; closing alone would not
    one.close()
