"""The disks that the service writes to: whether there is room, and what kind of file system each is."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path
from typing import NamedTuple

from flask import current_app

from leadintake.core import places

MOUNTS = Path("/proc/mounts")
IN_MEMORY = {"tmpfs", "ramfs"}
WITHOUT_JOURNAL = {"ext2", "vfat", "msdos", "exfat", "minix", "udf", "hfsplus"}
REMOTE = {"nfs", "nfs4", "cifs", "smb3", "9p", "ceph", "glusterfs", "fuse.sshfs", "fuse.glusterfs", "afs"}
UNSYNCED = {"nobarrier", "barrier=0", "volatile"}
"""Options that take a sync its meaning: ext4 and XFS without barriers, overlayfs that never syncs."""
NEARLY_FULL, MOST_UPLOADS, FEWEST_UPLOADS = 0.05, 100, 5
"""A disk is nearly full below 5 %, unless a hundred of the largest uploads fit still; or below five."""
FEWEST_FILES = 1000


class Mount(NamedTuple):
    """A file system that is mounted."""

    folder: Path
    kind: str
    options: frozenset[str]


def check_room() -> None:
    """Raise where a disk is nearly full, or has few names (inodes) left."""
    largest = current_app.config["MAX_UPLOAD_BYTES"]
    paths = [place.path for place in places.of(current_app)]
    for path in (*paths, Path(tempfile.gettempdir())):
        there = existing(path)
        disk = os.statvfs(there)
        free, size = disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize
        wanted = max(FEWEST_UPLOADS * largest, min(size * NEARLY_FULL, MOST_UPLOADS * largest))
        if free < wanted:
            raise RuntimeError(
                f"The disk of {there} has {free >> 20} MB left of {size >> 20}. Make room, or move it to a "
                "larger one; once it is full, submissions are answered with 503."
            )
        if disk.f_files and disk.f_favail < FEWEST_FILES:
            raise RuntimeError(
                f"The disk of {there} has room for {disk.f_favail} more files (inodes). Remove files, or "
                "move it to one with more; `df -i` shows them."
            )


def weakness_of(place: places.Place) -> str:
    """Why what is written there may not survive a power cut, and what to do; empty where it does."""
    mount = mount_of(existing(place.path).resolve())
    if mount is None:
        return ""
    move = f"Move {place.path} ({place.purpose}) to ext4 or XFS on a disk of this machine"
    if mount.kind in IN_MEMORY:
        return f"{place.path} is in memory ({mount.kind}): gone after a restart. {move}."
    if mount.kind in WITHOUT_JOURNAL:
        return f"{place.path} is on {mount.kind}, which has no journal: a power cut can damage it. {move}."
    if mount.kind in REMOTE and place.purpose == places.DATABASE:
        return (
            f"{place.path} is on {mount.kind}, over a network: SQLite's locks do not hold there. {move}, "
            "or use PostgreSQL."
        )
    if unsynced := sorted(mount.options & UNSYNCED):
        return (
            f"{mount.folder} is mounted with {unsynced[0]}: what is synced may still be lost. Mount it "
            f"without; {place.path} ({place.purpose}) is on it."
        )
    return ""


def existing(path: Path) -> Path:
    """The path, or the nearest folder above it that is there."""
    return next(found for found in (path, *path.absolute().parents) if found.exists())


def mount_of(path: Path) -> Mount | None:
    """What is mounted at the path, as Linux tells; None on other systems."""
    if not MOUNTS.exists():
        return None
    mounts = [_mount(line) for line in MOUNTS.read_text(encoding="utf-8", errors="replace").splitlines()]
    over = [mount for mount in mounts if path.is_relative_to(mount.folder)]
    # Of two at one folder the later one hides the earlier.
    return max(reversed(over), key=lambda mount: len(mount.folder.parts), default=None)


def _mount(line: str) -> Mount:
    _, folder, kind, options, *_ = line.split(" ")
    plain = re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), folder)  # proc(5): spaces are \040
    return Mount(Path(plain), kind, frozenset(options.split(",")))
