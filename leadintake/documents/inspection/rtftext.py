"""Text of an RTF, for reading."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from .findings import Refused
from .mapping import Bytes
from .rtftokens import TOKEN
from .sentences import DAMAGED
from .textbuffer import TextBuffer

DEEPEST = 500
MAX_PENDING = 64 * 1024
"""Bytes of text that are decoded at once."""
MARKS = {
    "par": "\n", "sect": "\n", "page": "\n", "line": "\n", "row": "\n", "cell": "\t", "nestcell": "\t",
    "tab": "\t", "emdash": "\u2014", "endash": "\u2013", "bullet": "\u2022", "lquote": "\u2018",
    "rquote": "\u2019", "ldblquote": "\u201c", "rdblquote": "\u201d", "emspace": " ", "enspace": " ",
}  # fmt: skip
"""Characters by control word."""
SYMBOLS = {
    b"\\\\": "\\", b"\\{": "{", b"\\}": "}", b"\\~": "\xa0", b"\\_": "-", b"\\\n": "\n", b"\\\r": "\n",
}  # fmt: skip
HIDDEN = {
    "fonttbl", "colortbl", "stylesheet", "info", "pict", "objdata", "objclass", "objname", "fldinst", "sp",
    "shprslt", "nonshppict", "filetbl", "revtbl", "template", "bkmkstart", "bkmkend", "xe", "tc", "rxe",
    "txe", "annotation", "atnid", "atnauthor", "private", "datafield", "nonesttables", "ftnsep", "ftnsepc",
    "aftnsep", "aftnsepc",
}  # fmt: skip
"""Destinations that are not read as text."""
READABLE = {"shpinst", "shptxt", "result"}
"""Destinations that are, although programs may ignore them."""
CODE_PAGES = {
    0: 1252, 77: 10000, 128: 932, 129: 949, 130: 1361, 134: 936, 136: 950, 161: 1253, 162: 1254, 163: 1258,
    177: 1255, 178: 1256, 186: 1257, 204: 1251, 222: 874, 238: 1250, 255: 437,
}  # fmt: skip
"""Code page by number of a font's character set."""
PYTHON_NAMES = {10000: "mac_roman", 1361: "johab"}
KNOWN_PAGES = {
    *CODE_PAGES.values(), 437, 850, 852, 855, 857, 858, 860, 861, 862, 863, 864, 865, 866, 869, 874,
}  # fmt: skip
BREAKS = re.compile(rb"[\r\n\0]+")


@dataclass
class _Group:
    hidden: bool = False
    is_font_table: bool = False
    fallback: int = 1
    """Characters after \\u to skip."""
    page: int = 0
    """Code page; 0: the document's."""
    fresh: bool = True
    ignorable: bool = False


class TextReader:
    """Reader of one document."""

    def __init__(self, data: Bytes, buffer: TextBuffer) -> None:
        self._data, self._buffer = data, buffer
        self._groups = [_Group()]
        self._page = 1252
        self._fonts: dict[int, int] = {}
        self._font = self._to_skip = 0
        self._bytes = bytearray()

    def read(self) -> None:
        """Read the first group. Raises Full, and Refused where it is cut."""
        position = self._data.find(b"{")
        while token := TOKEN.match(self._data, position):
            position = token.end()
            if token["word"] is not None and token["word"].lower() == b"bin":
                position += int((token["number"] or b"0")[-9:].lstrip(b"-") or b"0")
                continue
            self._process(token)
            if len(self._groups) == 1:
                self._flush()
                return
        raise Refused(DAMAGED)

    def _process(self, token: re.Match[bytes]) -> None:
        content, group = token[0], self._groups[-1]
        if content == b"{":
            self._open()
        elif content == b"}":
            self._flush()
            self._groups.pop()
            self._to_skip = 0
        elif content == b"\\*":
            group.ignorable = group.fresh
            return
        elif token["word"] is not None:
            self._apply_word(token["word"].decode().lower(), token["number"])
        elif token["code"] is not None:
            self._add_bytes(bytes.fromhex(token["code"].decode()))
        elif token["text"] is not None:
            self._add_bytes(content)
        elif content in SYMBOLS:
            self._add(SYMBOLS[content])
        group.fresh = False

    def _open(self) -> None:
        self._flush()
        if len(self._groups) > DEEPEST:
            raise Refused(DAMAGED)
        self._groups.append(replace(self._groups[-1], fresh=True, ignorable=False))
        self._to_skip = 0

    def _apply_word(self, word: str, text: bytes | None) -> None:
        group, number = self._groups[-1], int(text[-9:]) if text else None
        if word in HIDDEN or (group.ignorable and word not in READABLE):
            group.hidden, group.is_font_table = True, word == "fonttbl"
        elif word == "f" and number is not None:
            self._font = number
            self._set_page(0 if group.is_font_table else self._fonts.get(number, 0))
        elif word == "fcharset" and number is not None and group.is_font_table:
            self._fonts[self._font] = CODE_PAGES.get(number, 0)
        elif word == "ansicpg" and number is not None:
            self._page = number if number in KNOWN_PAGES else self._page
        elif word == "plain":
            self._set_page(0)
        elif word == "uc" and number is not None:
            group.fallback = max(0, number)
        elif word == "u" and number is not None:
            self._to_skip = 0
            self._add(chr(number % 0x10000))
            self._to_skip = group.fallback
        elif word in MARKS:
            self._add(MARKS[word])
        group.ignorable = False

    def _set_page(self, page: int) -> None:
        self._flush()
        self._groups[-1].page = page

    def _add_bytes(self, content: bytes) -> None:
        if self._groups[-1].hidden:
            return
        content = BREAKS.sub(b"", content)
        skipped = min(self._to_skip, len(content))
        self._to_skip -= skipped
        self._bytes += content[skipped:]
        if len(self._bytes) > MAX_PENDING:
            self._flush()

    def _add(self, words: str) -> None:
        self._flush()
        skipped = min(self._to_skip, len(words))
        self._to_skip -= skipped
        if not self._groups[-1].hidden:
            self._buffer.add(words[skipped:])

    def _flush(self) -> None:
        """Decode the bytes so far: a character may have two, each a token of its own."""
        if self._bytes:
            page = self._groups[-1].page or self._page
            self._buffer.add(self._bytes.decode(PYTHON_NAMES.get(page, f"cp{page}"), "replace"))
            self._bytes.clear()
