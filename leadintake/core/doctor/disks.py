"""The disks of the service: free space and type of file system."""

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
"""Options that defeat a sync: ext4 and XFS without barriers, overlayfs that never syncs."""
NEARLY_FULL, MAX_UPLOADS, MIN_UPLOADS = 0.05, 100, 5
"""Nearly full: below 5 %, unless 100 of the largest uploads still fit; or below 5 of them."""
MIN_FILES = 1000


class Mount(NamedTuple):
    folder: Path
    kind: str
    options: frozenset[str]


def check_room() -> None:
    """Raise if a disk is nearly full, or short of inodes."""
    largest = current_app.config["MAX_UPLOAD_BYTES"]
    paths = [place.path for place in places.list_places(current_app)]
    for path in (*paths, Path(tempfile.gettempdir())):
        there = nearest_existing(path)
        disk = os.statvfs(there)
        free, size = disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize
        minimum = max(MIN_UPLOADS * largest, min(size * NEARLY_FULL, MAX_UPLOADS * largest))
        if free < minimum:
            raise RuntimeError(
                f"The disk of {there} has {free >> 20} MB left of {size >> 20}. Make room, or move it to a "
                "larger one; once it is full, submissions are answered with 503."
            )
        if disk.f_files and disk.f_favail < MIN_FILES:
            raise RuntimeError(
                f"The disk of {there} has room for {disk.f_favail} more files (inodes). Remove files, or "
                "move it to one with more; `df -i` shows them."
            )


def find_weakness(place: places.Place) -> str:
    """Return why data at the place may not survive a power cut, and the remedy; or ""."""
    mount = find_mount(nearest_existing(place.path).resolve())
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


def nearest_existing(path: Path) -> Path:
    """Return the path, or its nearest existing parent."""
    return next(found for found in (path, *path.absolute().parents) if found.exists())


def find_mount(path: Path) -> Mount | None:
    """Return the mount that contains the path; None without /proc/mounts."""
    if not MOUNTS.exists():
        return None
    mounts = [_mount(line) for line in MOUNTS.read_text(encoding="utf-8", errors="replace").splitlines()]
    over = [mount for mount in mounts if path.is_relative_to(mount.folder)]
    # Of two mounts at one folder the later hides the earlier.
    return max(reversed(over), key=lambda mount: len(mount.folder.parts), default=None)


def _mount(line: str) -> Mount:
    _, folder, kind, options, *_ = line.split(" ")
    plain = re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), folder)  # proc(5): spaces are \040
    return Mount(Path(plain), kind, frozenset(options.split(",")))
