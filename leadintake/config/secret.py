"""The secret key, created once."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from leadintake.core.durable import sync_folder
from leadintake.core.modes import open_private, tighten_file


def read_or_make_secret(path: Path) -> str:
    """Return the secret at `path`; create it with mode 0600 if missing.

    Processes that start together agree: the hard link to the name succeeds for one only.
    """
    if not path.exists():
        draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
        descriptor = open_private(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        try:
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(secrets.token_urlsafe(48))
                file.flush()
                os.fsync(file.fileno())
            with contextlib.suppress(FileExistsError):  # another process was first: its secret counts
                os.link(draft, path)
            sync_folder(path.parent)  # data encrypted with it must not outlive it
        finally:
            draft.unlink()
    tighten_file(path)
    return path.read_text(encoding="ascii").strip()
