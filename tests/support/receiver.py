"""An HTTP server in a thread that takes what it is sent, or fails as a test wants."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HANG, DROP = "say nothing", "drop the connection"


@dataclass
class Taken:
    """A request that came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """Its body."""
        return json.loads(self.body)


@dataclass
class Stub:
    """What is answered on each path, in turn (the last is repeated; 202 unless told), and what came."""

    port: int = 0
    says: dict[str, list[int | str]] = field(default_factory=dict)
    taken: list[Taken] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)

    def url(self, path: str) -> str:
        """The address of a path."""
        return f"http://127.0.0.1:{self.port}{path}"

    def at(self, path: str) -> list[Taken]:
        """What came there."""
        return [request for request in self.taken if request.path == path]

    def answer(self, path: str) -> int | str:
        """What to say now."""
        turns = self.says.get(path, [202])
        return turns.pop(0) if len(turns) > 1 else turns[0]


@contextmanager
def receiving(stub: Stub) -> Iterator[Stub]:
    """Serve it."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            stub.taken.append(Taken(self.path, dict(self.headers), body))
            said = stub.answer(self.path)
            if said == HANG:
                stub.closing.wait(30)
            if isinstance(said, str):
                self.close_connection = True
                return
            self.send_response(said)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", stub.port), Handler)
    stub.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield stub
    finally:
        stub.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()
