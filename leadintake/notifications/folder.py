"""For trying out: messages become files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from leadintake.core import durable
from leadintake.core.modes import tighten_file
from leadintake.core.types import new_id
from leadintake.notifications.channels import ChannelDown, Interrupted
from leadintake.notifications.letters import as_message
from leadintake.notifications.models import Notification

log = structlog.get_logger()


class FolderChannel:
    """For trying out: a message becomes a file mail/ID.eml and a line in the log."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._tightened = False

    @contextmanager
    def opened(self) -> Iterator[FolderChannel]:
        """Make the folder, for us alone."""
        try:
            durable.make_folder(self.folder)
            if not self._tightened:
                for kept in self.folder.iterdir():
                    tighten_file(kept)
                self._tightened = True
        except OSError as error:
            raise ChannelDown(f"{self.folder}: {error.strerror}") from error
        yield self

    def deliver(self, notification: Notification) -> str:
        """Write the file; it counts as sent once it is on the disk, whole and under its name."""
        path = self.folder / f"{notification.id}.eml"
        try:
            durable.write_file(path, as_message(notification).as_bytes())
        except OSError as error:
            raise Interrupted(f"{path}: {error.strerror}") from error
        log.info("mail_written", file=str(path))
        return f"written to {path}"

    def check(self) -> None:
        """Write a file and take it away."""
        probe = self.folder / f".probe-{new_id().hex}"
        try:
            durable.write_file(probe, b"probe")
            probe.unlink()
        except OSError as error:
            raise ChannelDown(f"{self.folder}: {error.strerror}") from error

    def usable(self) -> bool:
        """A folder stays."""
        return True

    def takes_utf8(self) -> bool:
        """A file takes any letters."""
        return True
