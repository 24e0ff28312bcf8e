"""Writes that survive a power cut: both the file and its folder's entry are synced.

A rename alone is not enough: on ext4, a file renamed unsynced may be empty after a power cut.
"""

from __future__ import annotations

import os
from pathlib import Path

from leadintake.core.modes import make_private_folder, open_private


def make_folder(folder: Path) -> None:
    """Create a folder with its parents, mode 0700, and sync each parent."""
    for changed in make_private_folder(folder):
        sync_folder(changed)


def sync_folder(folder: Path) -> None:
    """Sync the entries of a folder. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_file(path: Path, content: bytes) -> None:
    """Write a file durably and atomically, mode 0600. Raises OSError.

    A failed write leaves NAME.part, which the next attempt overwrites.
    """
    draft = path.with_suffix(".part")
    with os.fdopen(open_private(draft), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
    sync_folder(path.parent)
