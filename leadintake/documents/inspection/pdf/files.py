"""File specifications (7.11): places of files, and kinds of attached ones."""

from __future__ import annotations

import re

from ..addresses import Place, classify_address
from .filters import Undecodable
from .objects import UNKNOWN, Objects, Stream
from .streams import Decrypt, unpack
from .values import Dictionary, String

KEYS = ("F", "UF", "DOS", "Mac", "Unix")
RUN_BY_A_SYSTEM = """
    action ade adp apk app appimage application appref-ms appx bas bat bin chm cmd com command cpl
    crt deb desktop dll dmg elf exe gadget hlp hta inf ins iqy isp jar jnlp job js jse ksh
    library-ms lnk mad maf mde msc msi msix msp mst ocx pif pkg prf ps1 ps1xml psc1 psd1 psm1 reg
    rpm run scf scr sct search-ms settingcontent-ms sh shb shs slk sys theme url vb vbe vbs vxd
    webloc ws wsc wsf wsh xbap xll xnk zsh docm dotm ppam ppsm pptm potm sldm xla xlam xlsm xltm
"""
PROGRAMS = frozenset(RUN_BY_A_SYSTEM.split())
"""Endings of files that a system runs or follows, or that carry macros."""
PAGES = {"htm", "html", "mht", "mhtml", "shtml", "svg", "svgz", "xht", "xhtml"}
PROGRAM = re.compile(
    rb"MZ|\x7fELF|#!|\xca\xfe\xba\xbe|\xfe\xed\xfa[\xce\xcf]|[\xce\xcf]\xfa\xed\xfe|dex\n|\x4c\0\0\0\x01\x14\x02\0|ITSF"
)
PAGE = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<!--.{0,500}?-->\s*)*<(?:!doctype\s+html|html|head|body|script|iframe|svg|hta:)",
    re.IGNORECASE | re.DOTALL,
)
HEAD_SIZE = 1024
"""Bytes of an attached file that are searched for a program or page."""


def find_extension(name: str) -> str:
    """Return the extension as Windows sees it, without trailing blanks and dots."""
    return name.partition("\0")[0].rstrip(". \t\r\n").rpartition(".")[2].lower()


def classify_file(specification: str) -> Place:
    """Return the place of a file; `/server/share/file` may be on another machine (7.11.2, table 43)."""
    path = specification.replace("\\", "/")
    first = path[1:].partition("/")[0] if path.startswith("/") else ""
    if not first.startswith(".") and ("." in first or "@" in first) and "/" in path[1:]:
        return Place.OTHER_MACHINE
    return classify_address(specification)


def list_file_names(objects: Objects, specification: Dictionary) -> list[str]:
    """Return a file's names or addresses, one per system."""
    return [
        objects.text(found)
        for key in KEYS
        for found in objects.resolve(specification.get(key))
        if isinstance(found, String)
    ]


def find_attached(objects: Objects, specification: Dictionary) -> tuple[list[Stream], bool]:
    """Return an attached file's streams, and whether there is one, readable or not."""
    streams, is_carried = [], False
    for versions in objects.resolve(specification.get("EF")):
        if versions is UNKNOWN:
            is_carried = True
        elif isinstance(versions, dict):
            for value in versions.values():
                found = objects.resolve(value)
                is_carried = is_carried or bool(found)
                streams += [one for one in found if isinstance(one, Stream)]
    return streams, is_carried


def read_head(objects: Objects, stream: Stream, decrypt: Decrypt | None) -> bytes:
    """Return the first bytes of an attached file, fewer if it is damaged."""
    head = b""
    try:
        for piece in unpack(objects, stream, decrypt):
            head += piece
            if len(head) >= HEAD_SIZE:
                break
    except Undecodable:
        return head
    return head[:HEAD_SIZE]
