"""Links in documents, and which of them lead out of the reader's own computer."""

from __future__ import annotations

import re
from urllib.parse import unquote

SCHEME = re.compile(r"[a-z][a-z0-9+.-]+:", re.IGNORECASE)  # of one letter it is a drive
# Word notes where its template was, as a drive's path or a Mac's: file:///C:\..., file://localhost/Users/...
OWN_DISK = re.compile(r"file:(///|//localhost/|/)?(?!/)", re.IGNORECASE)
UNSEEN = re.compile(r"[\x00-\x1f]")  # Windows leaves them out of addresses


def reaches_out(target: str) -> bool:
    """Whether following it may ask another computer for something. Pictures of a mail (cid:) are nowhere."""
    path = UNSEEN.sub("", unquote(target)).strip().replace("\\", "/")
    if path.lower().startswith("file:"):
        return OWN_DISK.match(path) is None
    return path.startswith("//") or (SCHEME.match(path) is not None and not path.lower().startswith("cid:"))


def leaves(target: str, folder: str) -> bool:
    """Whether a path, relative to a folder of the container or to its root, leads out of the container."""
    path = unquote(target).replace("\\", "/")
    depth = 0 if path.startswith("/") else sum(part not in ("", ".") for part in folder.split("/"))
    for part in path.split("/"):
        depth += -1 if part == ".." else part not in ("", ".")
        if depth < 0:
            return True
    return False
