"""The secret key, made once."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from leadintake.core.durable import sync_folder
from leadintake.core.modes import open_private, tighten_file


def read_or_make_secret(path: Path) -> str:
    """Return the secret kept at `path`, making it first (mode 0600) when there is none.

    Two processes that start together agree: the link of the file is what counts, and only one wins it.
    """
    if not path.exists():
        draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
        descriptor = open_private(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        try:
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(secrets.token_urlsafe(48))
                file.flush()
                os.fsync(file.fileno())
            # Where the file is there now, another process was first; its secret is the one.
            with contextlib.suppress(FileExistsError):
                os.link(draft, path)
            sync_folder(path.parent)  # what is sealed with it from now on must not outlive it
        finally:
            draft.unlink()
    tighten_file(path)
    return path.read_text(encoding="ascii").strip()
