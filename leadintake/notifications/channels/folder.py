"""Mail channel that writes files, for trials without a mail server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from leadintake.core import durable
from leadintake.core.db.types import new_id
from leadintake.core.modes import tighten_file
from leadintake.notifications.channels.interface import ChannelDown, DeliveryInterruption
from leadintake.notifications.channels.letters import compose
from leadintake.notifications.models import Notification

log = structlog.get_logger()


class FolderChannel:
    """Write each message to ID.eml, and log its path."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._tightened = False

    @contextmanager
    def open(self) -> Iterator[FolderChannel]:
        """Create the folder, readable by the service's user only. Raises ChannelDown."""
        try:
            durable.make_folder(self.folder)
            if not self._tightened:
                for file in self.folder.iterdir():
                    tighten_file(file)
                self._tightened = True
        except OSError as error:
            raise ChannelDown(f"{self.folder}: {error.strerror}") from error
        yield self

    def deliver(self, notification: Notification) -> str:
        """Write the file, synced to disk. Raises DeliveryInterruption."""
        path = self.folder / f"{notification.id}.eml"
        try:
            durable.write_file(path, compose(notification).as_bytes())
        except OSError as error:
            raise DeliveryInterruption(f"{path}: {error.strerror}") from error
        log.info("mail_written", file=str(path))
        return f"written to {path}"

    def check(self) -> None:
        """Write a file and remove it. Raises ChannelDown."""
        probe = self.folder / f".probe-{new_id().hex}"
        try:
            durable.write_file(probe, b"probe")
            probe.unlink()
        except OSError as error:
            raise ChannelDown(f"{self.folder}: {error.strerror}") from error

    def is_open(self) -> bool:
        """Return True."""
        return True

    def has_smtputf8(self) -> bool:
        """Return True."""
        return True
