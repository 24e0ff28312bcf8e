"""What the kinds of photograph share: their bounds, and what stands behind their end."""

from __future__ import annotations

import re

from .findings import Flag, Refused
from .mapping import Bytes
from .sentences import PHOTO_TOO_LARGE, PHOTO_TWO_FILES, PHOTO_UNUSUAL

MAX_SIDE, MAX_PIXELS = 20_000, 100_000_000
"""Of a photograph: a browser unpacks four bytes a pixel. Telephones make up to 50 million by default."""
HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
"""ISO 23008-12, as macOS, iOS and Android write them."""
FOREIGN = re.compile(rb"PK\x03\x04|PK\x05\x06|%PDF-|Rar!\x1a|7z\xbc\xaf|\x7fELF|<[a-z!?]{1,16}[\s>]", re.I)
"""Files that are opened although others stand before them."""
SAMSUNG_END = b"SEFT"


def require_size(width: int, height: int) -> None:
    """Raise Refused unless a picture of this size can be shown."""
    if not width or not height:
        raise Refused(PHOTO_UNUSUAL)
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise Refused(PHOTO_TOO_LARGE)


def judge_rest(data: Bytes, start: int) -> frozenset[Flag]:
    """Judge what stands behind the end of a picture.

    Telephones put the film of a moving photograph there, or notes of their own: kept with a warning.
    """
    rest = data[start:].strip(b"\0")
    if not rest:
        return frozenset()
    # The first octets of a film are zeros, too.
    is_by_telephone = b"ftyp" in rest[:8] or rest.endswith(SAMSUNG_END)
    if not is_by_telephone or FOREIGN.search(rest):
        raise Refused(PHOTO_TWO_FILES)
    return frozenset({Flag.EMBEDDED})


def is_heic(head: bytes) -> bool:
    """Return whether a file begins as a HEIC photograph."""
    return head[4:8] == b"ftyp" and head[8:12] in HEIC_BRANDS
