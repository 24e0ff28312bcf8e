"""Reader of RTF in one pass: tokens, a stack of groups, and the significant control words."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from . import objdata
from .findings import Refused
from .harm import Findings, Harm
from .instructions import Fields
from .mapping import Bytes
from .rtftokens import BLANK, END, HEX, IDLE, SEPARATE_TEXTS, TOKEN
from .rtfwords import DESTINATIONS, FIRST_BYTES, Destination
from .sentences import DAMAGED, N_

MAX_WORDS = 1_000_000
"""Backslashes. A long resume by Word has a hundred thousand; pictures have none."""
MAX_TOKENS = 300_000
"""Braces and significant words."""
CHUNK = 1024 * 1024
DEEPEST = 500
TOO_LONG = N_("This document is far longer inside than a resume. Please save it as PDF and try again.")

OBJECTS = {
    "objautlink": Harm.DATA_LINK,
    "objlink": Harm.DATA_LINK,
    "objupdate": Harm.DATA_LINK,
    "objsub": Harm.DATA_LINK,
    "objpub": Harm.DATA_LINK,
    "objocx": Harm.CONTROL,
    "objhtml": Harm.OTHER_FORMAT,
}
"""Harm by control word of an object."""


@dataclass
class _Group:
    """State of a group. Its text goes to a field, to a destination, or nowhere."""

    destination: Destination | None = None
    is_field_text: bool = False
    fallback: int = 1
    """Characters after \\u to skip: they are for programs without Unicode."""
    fresh: bool = True
    """Whether only blanks and \\* have been read."""
    ignorable: bool = False
    """Whether \\* precedes the next control word: programs may ignore the group."""
    ends: str = ""
    """What ends with the group: field, instruction, object, or nothing."""
    fields: int = 0
    """Number of fields that stay open at its end."""
    in_field: bool = False
    """Whether it is in a \\field group, where the result follows the instruction."""


class Reader:
    """Reader of one document."""

    def __init__(self, data: Bytes, findings: Findings) -> None:
        self.data, self.findings = data, findings
        self.fields = Fields(findings)
        self.groups = [_Group()]
        self.position = data.find(b"{")
        self.to_skip = 0
        self.shape_property = ""
        self.objects = 0  # open objects still without data

    def read(self) -> None:
        """Read the first group; only white space may follow."""
        words = braces = 0
        for start in range(0, len(self.data), CHUNK):
            chunk = self.data[start : start + CHUNK]
            words += chunk.count(b"\\")
            braces += chunk.count(b"{")
        if words > MAX_WORDS or braces > MAX_TOKENS // 2:
            raise Refused(TOO_LONG)
        for _ in range(MAX_TOKENS):
            if self._is_idle():
                self._skip_idle()
            token = TOKEN.match(self.data, self.position)
            if token is None:
                raise Refused(DAMAGED)
            self.position = token.end()
            self._process(token)
            if len(self.groups) == 1:
                break
        else:
            raise Refused(TOO_LONG)
        if END.match(self.data, self.position) is None:
            raise Refused(DAMAGED)
        self.fields.end_all()

    def _is_idle(self) -> bool:
        group = self.groups[-1]
        return not group.is_field_text and (group.destination is None or group.destination.is_full)

    def _skip_idle(self) -> None:
        while found := IDLE.match(self.data, self.position):
            group = self.groups[-1]
            if group.fresh and BLANK.match(self.data, self.position).end() < found.end():  # type: ignore[union-attr] # blanks may be none
                group.fresh = group.ignorable = False
            self.position = found.end()

    def _process(self, token: re.Match[bytes]) -> None:
        kind, content, group = token.lastgroup, token[0], self.groups[-1]
        if b"\0" in content:  # ambiguous: some programs skip NUL
            raise Refused(DAMAGED)
        if content == b"\\*":
            group.ignorable = group.fresh
        elif kind == "brace":
            self._open() if content == b"{" else self._close()
        elif kind in {"word", "number"}:
            self._apply_word(token["word"].decode().lower(), token["number"])
        elif kind == "code":
            self._add_text(chr(int(token["code"], 16)))
        elif kind == "text":
            self._add_text(content.translate(None, b"\r\n").decode("latin-1"))
        elif content in {b"\\\\", b"\\{", b"\\}"}:
            self._add_text(content[1:].decode())
        elif content == b"\\~":
            self._add_text(" ")
        group.fresh = group.fresh and (content == b"\\*" or content.isspace())

    def _open(self) -> None:
        if len(self.groups) > DEEPEST:
            raise Refused(DAMAGED)
        self.groups.append(replace(self.groups[-1], fresh=True, ignorable=False, ends=""))
        self.to_skip = 0

    def _close(self) -> None:
        group = self.groups.pop()
        if group.destination and group.destination is not self.groups[-1].destination:
            self._judge(group.destination)
        if group.ends == "object" and self.objects:
            self.findings.add(Harm.PACKED_FILE)
        elif group.ends:
            while self.fields.depth > group.fields:
                self.fields.end()
            if group.ends == "instruction":
                self.fields.separate() if group.in_field else self.fields.end()
        self.to_skip = 0

    def _judge(self, destination: Destination) -> None:
        destination.judge(self.findings, self.shape_property)
        if destination.word == "sn":
            self.shape_property = destination.text.strip().lower()

    def _apply_word(self, word: str, number: bytes | None) -> None:
        group = self.groups[-1]
        if word == "bin":
            self._skip_bytes(number or b"0")
        elif word.startswith("obj"):
            self._apply_object_word(word)
        elif word in DESTINATIONS:
            if group.destination:
                self._judge(group.destination)
            group.destination, group.is_field_text = Destination(word), False
        elif word == "fldinst":
            self._begin_instruction()
        elif group.ignorable:
            if word == "ud" and (group.destination or group.is_field_text):
                # a second version in Unicode: word processors write no address twice
                self.findings.add(Harm.DATA_LINK)
            group.destination, group.is_field_text = None, False
        elif group.is_field_text and SEPARATE_TEXTS.fullmatch(word):
            self.findings.add(Harm.DATA_LINK)
        elif word == "field":
            group.ends, group.fields, group.in_field = "field", self.fields.depth, True
        elif word == "fldrslt":
            group.destination, group.is_field_text = None, self.fields.needs_text
        elif word == "uc" and number:
            group.fallback = max(0, int(number[-9:]))
        elif word == "u" and number:
            self.to_skip = 0
            self._add_text(chr(int(number[-9:]) % 0x10000))
            self.to_skip = group.fallback
        elif word == "tab":
            self._add_text("\t")
        group.ignorable = False

    def _begin_instruction(self) -> None:
        group = self.groups[-1]
        if group.ends != "instruction":
            group.ends, group.fields = "instruction", self.fields.depth + 1
        self.fields.begin()
        group.destination, group.is_field_text = None, True

    def _apply_object_word(self, word: str) -> None:
        group = self.groups[-1]
        if word in OBJECTS:
            self.findings.add(OBJECTS[word])
        elif word == "object":
            group.ends, self.objects = "object", self.objects + 1
            group.destination, group.is_field_text = None, False
        elif word == "objdata":
            self._read_object()
        elif word == "objclass":
            group.destination, group.is_field_text = Destination(word), False

    def _read_object(self) -> None:
        """Read an object's data: hexadecimal digits up to the end of the group."""
        digits = HEX.match(self.data, self.position)
        end = digits.end() if digits else self.position
        if self.data[end : end + 1] != b"}":
            self.findings.add(Harm.PACKED_FILE)
        content = objdata.decode_hex(self.data, self.position, end)
        self.position = end
        objdata.judge(content, self.findings)
        self.objects -= 1

    def _skip_bytes(self, number: bytes) -> None:
        """Skip a picture's raw bytes. Refuse them elsewhere: programs disagree on their end."""
        destination = self.groups[-1].destination
        if destination is None or destination.word != "pict" or len(number) > 9:
            raise Refused(DAMAGED)
        start, self.position = self.position, self.position + int(number)
        if not start <= self.position <= len(self.data):
            raise Refused(DAMAGED)
        destination.add(self.data[start : start + FIRST_BYTES].hex())

    def _add_text(self, words: str) -> None:
        group = self.groups[-1]
        skipped = min(self.to_skip, len(words))
        self.to_skip -= skipped
        if group.is_field_text:
            self.fields.add_text(words[skipped:])
        elif group.destination is not None:
            group.destination.add(words[skipped:])
