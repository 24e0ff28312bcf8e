"""Reading RTF once from its first brace to its last: groups, and the words within them that matter."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from . import objdata
from .findings import Refused
from .harm import Findings, Harm
from .instructions import Fields
from .mapping import Bytes
from .rtftokens import ASIDES, BLANK, END, HEX, IDLE, TOKEN
from .rtfwords import DESTINATIONS, FIRST_BYTES, Said
from .sentences import DAMAGED, N_

MOST_WORDS = 1_000_000
"""Backslashes. A long resume by Word has a hundred thousand; its pictures have none."""
MOST_TOKENS = 300_000
"""Braces, and words that matter."""
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


@dataclass
class _Group:
    """What the text of a group belongs to, and how many characters follow \\u for old readers."""

    said: Said | None = None
    is_field_text: bool = False
    fallback: int = 1
    fresh: bool = True
    ignorable: bool = False
    ends: str = ""
    """What ends with the group: field, instruction, object, or nothing."""
    fields: int = 0
    """How many fields are open when that has ended."""
    in_field: bool = False


class Reader:
    """Goes through a document once, token by token, with the group it is in."""

    def __init__(self, data: Bytes, findings: Findings) -> None:
        self.data, self.findings = data, findings
        self.fields = Fields(findings)
        self.groups = [_Group()]
        self.position = data.find(b"{")
        self.to_skip = 0
        self.shape_property = ""
        self.objects = 0  # begun whose data has not come

    def read(self) -> None:
        """Read to the brace that closes the first group; nothing but white space may follow."""
        words = braces = 0
        for start in range(0, len(self.data), CHUNK):
            chunk = self.data[start : start + CHUNK]
            words += chunk.count(b"\\")
            braces += chunk.count(b"{")
        if words > MOST_WORDS or braces > MOST_TOKENS // 2:
            raise Refused(TOO_LONG)
        for _ in range(MOST_TOKENS):
            if self._is_idle():
                self._pass_idle()
            token = TOKEN.match(self.data, self.position)
            if token is None:
                raise Refused(DAMAGED)
            self.position = token.end()
            self._take(token)
            if len(self.groups) == 1:
                break
        else:
            raise Refused(TOO_LONG)
        if END.match(self.data, self.position) is None:
            raise Refused(DAMAGED)
        self.fields.end_all()

    def _is_idle(self) -> bool:
        group = self.groups[-1]
        return not group.is_field_text and (group.said is None or group.said.is_full)

    def _pass_idle(self) -> None:
        while found := IDLE.match(self.data, self.position):
            group = self.groups[-1]
            if group.fresh and BLANK.match(self.data, self.position).end() < found.end():  # type: ignore[union-attr] # blanks may be none
                group.fresh = group.ignorable = False
            self.position = found.end()

    def _take(self, token: re.Match[bytes]) -> None:
        kind, content, group = token.lastgroup, token[0], self.groups[-1]
        if b"\0" in content:  # which some readers skip, so that what stands here is read in two ways
            raise Refused(DAMAGED)
        if content == b"\\*":
            group.ignorable = group.fresh
        elif kind == "brace":
            self._open() if content == b"{" else self._close()
        elif kind in {"word", "number"}:
            self._obey(token["word"].decode().lower(), token["number"])
        elif kind == "code":
            self._say(chr(int(token["code"], 16)))
        elif kind == "text":
            self._say(content.translate(None, b"\r\n").decode("latin-1"))
        elif content in {b"\\\\", b"\\{", b"\\}"}:
            self._say(content[1:].decode())
        elif content == b"\\~":
            self._say(" ")
        group.fresh = group.fresh and (content == b"\\*" or content.isspace())

    def _open(self) -> None:
        if len(self.groups) > DEEPEST:
            raise Refused(DAMAGED)
        self.groups.append(replace(self.groups[-1], fresh=True, ignorable=False, ends=""))
        self.to_skip = 0

    def _close(self) -> None:
        group = self.groups.pop()
        if group.said and group.said is not self.groups[-1].said:
            self._judge(group.said)
        if group.ends == "object" and self.objects:
            self.findings.add(Harm.PACKED_FILE)
        elif group.ends:
            while self.fields.depth > group.fields:
                self.fields.end()
            if group.ends == "instruction":
                self.fields.separate() if group.in_field else self.fields.end()
        self.to_skip = 0

    def _judge(self, said: Said) -> None:
        said.judge(self.findings, self.shape_property)
        if said.of == "sn":
            self.shape_property = said.words.strip().lower()

    def _obey(self, word: str, number: bytes | None) -> None:
        group = self.groups[-1]
        if word == "bin":
            self._pass_bytes(number or b"0")
        elif word.startswith("obj"):
            self._obey_object(word)
        elif word in DESTINATIONS:
            if group.said:
                self._judge(group.said)
            group.said, group.is_field_text = Said(word), False
        elif word == "fldinst":
            self._begin_instruction()
        elif group.ignorable:
            if word == "ud" and (group.said or group.is_field_text):
                # said once more in Unicode: no word processor says an address twice
                self.findings.add(Harm.DATA_LINK)
            group.said, group.is_field_text = None, False
        elif group.is_field_text and ASIDES.fullmatch(word):
            self.findings.add(Harm.DATA_LINK)
        elif word == "field":
            group.ends, group.fields, group.in_field = "field", self.fields.depth, True
        elif word == "fldrslt":
            group.said, group.is_field_text = None, self.fields.is_read
        elif word == "uc" and number:
            group.fallback = max(0, int(number[-9:]))
        elif word == "u" and number:
            self.to_skip = 0
            self._say(chr(int(number[-9:]) % 0x10000))
            self.to_skip = group.fallback
        elif word == "tab":
            self._say("\t")
        group.ignorable = False

    def _begin_instruction(self) -> None:
        group = self.groups[-1]
        if group.ends != "instruction":
            group.ends, group.fields = "instruction", self.fields.depth + 1
        self.fields.begin()
        group.said, group.is_field_text = None, True

    def _obey_object(self, word: str) -> None:
        group = self.groups[-1]
        if word in OBJECTS:
            self.findings.add(OBJECTS[word])
        elif word == "object":
            group.ends, self.objects = "object", self.objects + 1
            group.said, group.is_field_text = None, False
        elif word == "objdata":
            self._read_object()
        elif word == "objclass":
            group.said, group.is_field_text = Said(word), False

    def _read_object(self) -> None:
        """Read the data of an object: digits to the end of the group, or nobody knows what they are."""
        digits = HEX.match(self.data, self.position)
        end = digits.end() if digits else self.position
        if self.data[end : end + 1] != b"}":
            self.findings.add(Harm.PACKED_FILE)
        content = objdata.decoded(self.data, self.position, end)
        self.position = end
        objdata.judge(content, self.findings)
        self.objects -= 1

    def _pass_bytes(self, number: bytes) -> None:
        """Pass over raw bytes, which only pictures have; elsewhere readers disagree about where they end."""
        said = self.groups[-1].said
        if said is None or said.of != "pict" or len(number) > 9:
            raise Refused(DAMAGED)
        start, self.position = self.position, self.position + int(number)
        if not start <= self.position <= len(self.data):
            raise Refused(DAMAGED)
        said.add(self.data[start : start + FIRST_BYTES].hex())

    def _say(self, words: str) -> None:
        group = self.groups[-1]
        skipped = min(self.to_skip, len(words))
        self.to_skip -= skipped
        if group.is_field_text:
            self.fields.say(words[skipped:])
        elif group.said is not None:
            group.said.add(words[skipped:])
