"""What was written survives a power cut: the bytes are synced, and so is the folder that has the name.

A rename alone is not enough: on ext4 a file that was renamed into place and not synced may be there, and
empty, after the power came back.
"""

from __future__ import annotations

import os
from pathlib import Path

from leadintake.core.modes import make_private_folder, open_private


def make_folder(folder: Path) -> None:
    """Make it for us alone, with those above it, each one's name synced into the folder it is in."""
    for changed in make_private_folder(folder):
        sync_folder(changed)


def sync_folder(folder: Path) -> None:
    """Have the names in this folder be on the disk. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_file(path: Path, content: bytes) -> None:
    """Write a file for us alone, whole or not at all under its name, and on the disk. Raises OSError.

    What a failed write leaves is the draft beside it, NAME.part, which the next try overwrites.
    """
    draft = path.with_suffix(".part")
    with os.fdopen(open_private(draft), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
    sync_folder(path.parent)
