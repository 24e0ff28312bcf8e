"""The heartbeat: a periodic request to another machine."""

from __future__ import annotations

import contextlib
from datetime import datetime
from pathlib import Path

import msgspec
import structlog

from leadintake.core.clock import now
from leadintake.core.modes import write_private
from leadintake.monitoring.sending import NotDelivered, send_heartbeat

log = structlog.get_logger()


class Failure(msgspec.Struct):
    """A series of failures: the times of the first and last, the last error."""

    since: datetime
    last: datetime
    error: str


class Heartbeat:
    """The heartbeat of this machine's watchdogs. Failures are kept in a file, for the doctor."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "heartbeat.json"

    def send(self, url: str, causes: list[str]) -> None:
        """Send the heartbeat with the causes of problems; log and keep a failure."""
        with contextlib.suppress(OSError):  # a full disk is reported elsewhere
            try:
                send_heartbeat(url, causes)
                self.path.unlink(missing_ok=True)
            except NotDelivered as error:
                log.warning("heartbeat_not_delivered", error=str(error))
                earlier = self.failure()
                failure = Failure(earlier.since if earlier else now(), now(), str(error))
                write_private(self.path, msgspec.json.encode(failure))

    def failure(self) -> Failure | None:
        """Return the failures since the last success."""
        with contextlib.suppress(OSError, msgspec.MsgspecError):
            return msgspec.json.decode(self.path.read_bytes(), type=Failure)
        return None
