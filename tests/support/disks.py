"""Small disks of a test's own: file systems to fill, to make read-only, or to take the power from."""

from __future__ import annotations

import fcntl
import os
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.engines import missing
from tests.support.server import wait_until

SHUT_DOWN = 0x8004587D
"""FS_IOC_SHUTDOWN of ext4 and XFS: _IOR('X', 125, __u32)."""
WITHOUT_THE_LOG = 2
"""Neither data nor journal that was not synced is written any more."""


class Disk:
    """A small file system of the test's own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.ballast = path / "ballast"

    def fill(self) -> None:
        """Leave no room at all."""
        with self.ballast.open("wb", buffering=0) as file:
            for size in (1 << 20, 1 << 12):
                with pytest.raises(OSError, match="No space left"):  # noqa: PT012 - it ends as the disk does
                    while True:
                        file.write(bytes(size))

    def empty(self) -> None:
        """Give the room back."""
        self.ballast.unlink()

    def remount(self, *options: str) -> None:
        """Mount it again with other options."""
        run("mount", "-o", ",".join(("remount", *options)), str(self.path))


@contextmanager
def mounted(path: Path, *arguments: str) -> Iterator[Disk]:
    """Mount something, and unmount it whatever happens."""
    if os.geteuid() != 0:
        missing("only root may mount a disk")
    path.mkdir()
    try:
        run("mount", *arguments, str(path))
    except subprocess.CalledProcessError as error:
        missing(f"a disk cannot be mounted here: {error.stderr.strip()}")
    try:
        yield Disk(path)
    finally:
        unmount(path)


def unmount(path: Path) -> None:
    """Unmount once nobody holds it: a server that was killed takes a moment to be gone."""
    command = ["umount", str(path)]
    wait_until(
        lambda: subprocess.run(command, capture_output=True, check=False).returncode == 0, "it is free"
    )


def run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)


def image_of(path: Path, mebibytes: int, *, kind: str = "ext4") -> Path:
    """A file with an empty file system in it, to be mounted with `-o loop`."""
    with path.open("wb") as file:
        file.truncate(mebibytes << 20)
    try:
        run(f"mkfs.{kind}", "-q", str(path))
    except FileNotFoundError:
        missing(f"no mkfs.{kind}")
    return path


def cut_power(folder: Path) -> None:
    """Take the power from the file system that is mounted at the folder: whatever was not synced is lost."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.ioctl(descriptor, SHUT_DOWN, struct.pack("I", WITHOUT_THE_LOG))
    finally:
        os.close(descriptor)
