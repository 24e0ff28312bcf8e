"""Parser of PDF values (7.3) in one pass.

Names are `str`, integers `int`; other numbers do not matter and are None, like `null`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from ..findings import Refused
from ..sentences import PDF_UNUSUAL
from .limits import DEEPEST, Budget
from .syntax import IN_STRING, TOKEN


class Reference(NamedTuple):
    """Object number and generation."""

    number: int
    generation: int


class Alternatives(list["Value"]):
    """Values of a duplicate key, of which viewers take the first or the last."""


@dataclass(frozen=True)
class String:
    """String as in the file, without brackets. `owner`: object whose key encrypts it."""

    raw: bytes
    is_hex: bool
    owner: Reference | None

    def content(self) -> bytes:
        """Return the bytes (7.3.4), cut to MAX_STRING_LENGTH."""
        raw = self.raw[:MAX_STRING_LENGTH]
        if self.is_hex:
            digits = raw.translate(None, NO_HEX)
            return bytes.fromhex((digits + b"0" if len(digits) % 2 else digits).decode())
        return ESCAPE.sub(_unescape, raw) if b"\\" in raw or b"\r" in raw else raw


Value = str | int | None | String | Reference | Alternatives | list["Value"] | dict[str, "Value"]
Dictionary = dict[str, Value]

DIGITS = re.compile(rb"\d++")
MAX_STRING_LENGTH = 16 * 1024
NO_HEX = bytes(set(range(256)) - set(b"0123456789ABCDEFabcdef"))
ESCAPE = re.compile(rb"\\(?:([0-7]{1,3})|(\r\n?|\n)|(.))|\r\n?", re.DOTALL)
ESCAPED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}
IN_NAME = re.compile(rb"#([0-9A-Fa-f]{2})")
PLAIN_WORDS = re.compile(rb"null|[+\-.0-9eE]++|[+-]?(?i:nan|inf|infinity)")
"""Words accepted as values; some programs write malformed numbers."""
BOOLEANS = {b"true": True, b"false": False}
OPENED_BY = {b">>": b"<<", b"]": b"["}


def _unescape(match: re.Match[bytes]) -> bytes:
    octal, line, letter = match.groups()
    if octal:
        return bytes([int(octal, 8) & 255])
    if line:
        return b""
    return ESCAPED.get(letter, letter) if letter else b"\n"


class Ambiguous(Exception):
    """The bytes can be read in several ways, or in none."""


def decode_name(written: bytes) -> str:
    """Decode the escapes of a name (7.3.5)."""
    if b"#" in written:
        written = IN_NAME.sub(lambda found: bytes.fromhex(found[1].decode()), written)
    return written.decode("latin-1")


def find_string_end(data: bytes, position: int, budget: Budget) -> int | None:
    """Return the end of the string opened before `position`, None if not closed."""
    depth, count = 1, 0
    for found in IN_STRING.finditer(data, position):
        count += 1
        if found.lastgroup == "open":
            depth += found.end() - found.start()
        elif found.lastgroup == "close":
            depth -= found.end() - found.start()
        if depth <= 0 or count > budget.tokens:
            break
    budget.scan(count)
    return found.end() + depth if count and depth <= 0 else None


def read_value(data: bytes, position: int, owner: Reference | None, budget: Budget) -> tuple[Value, int]:
    """Parse a value. Return it and its end. Raises Ambiguous."""
    stack: list[tuple[bytes, list[Value]]] = []
    items: list[Value] = []
    count = 0
    try:
        while token := TOKEN.match(data, position):
            position, kind, count = token.end(), token.lastgroup, count + 1
            if kind == "opening":
                stack.append((token["opening"], items))
                items = []
                if len(stack) > DEEPEST:
                    raise Refused(PDF_UNUSUAL)
            elif kind == "closing":
                if not stack or stack[-1][0] != OPENED_BY[token["closing"]]:
                    raise Ambiguous
                closed: Value = items if token["closing"] == b"]" else _build_dictionary(items)
                items = stack.pop()[1]
                items.append(closed)
            elif kind == "string":
                end = find_string_end(data, position, budget)
                if end is None:
                    raise Ambiguous
                items.append(String(data[position : end - 1], is_hex=False, owner=owner))
                position = end
            else:
                _add_atom(token, kind, owner, items)
            if not stack:
                return items[0], position
            if count > budget.values:
                break
    finally:
        budget.read(count)
    raise Ambiguous


def _add_atom(token: re.Match[bytes], kind: str | None, owner: Reference | None, items: list[Value]) -> None:
    """Append a value without brackets."""
    if kind == "name":
        items.append(decode_name(token["name"]))
    elif kind == "reference":
        number, generation = DIGITS.findall(token["reference"])
        items.append(Reference(int(number), int(generation)))
    elif kind == "number":
        items.append(int(token["number"]))
    elif kind == "flat":
        items.append(String(token["flat"][1:-1], is_hex=False, owner=owner))
    elif kind == "hex" and token["hex"].endswith(b">"):
        items.append(String(token["hex"][1:-1], is_hex=True, owner=owner))
    elif kind == "word" and token["word"] == b"R":  # a reference with a comment inside
        if len(items) < 2:
            raise Ambiguous
        generation_, number_ = items.pop(), items.pop()
        if not (isinstance(number_, int) and isinstance(generation_, int)):
            raise Ambiguous
        items.append(Reference(number_, generation_))
    elif kind == "word" and token["word"] in BOOLEANS:
        items.append(BOOLEANS[token["word"]])
    elif kind == "word" and PLAIN_WORDS.fullmatch(token["word"]):
        items.append(None)
    else:
        raise Ambiguous


def _build_dictionary(items: list[Value]) -> Dictionary:
    keys, values = items[::2], items[1::2]
    if len(keys) != len(values):
        raise Ambiguous
    found: Dictionary = {}
    for key, value in zip(keys, values, strict=True):
        if not isinstance(key, str):
            raise Ambiguous
        if key in found:
            before = found[key]
            value = Alternatives([*(before if isinstance(before, Alternatives) else [before]), value])
        found[key] = value
    return found


def list_names(data: bytes, start: int, end: int, budget: Budget) -> set[str]:
    """Return the names in this range, ignoring brackets."""
    names: set[str] = set()
    position = start
    while position < end and (token := TOKEN.match(data, position)):
        position = token.end()
        budget.read(1)
        if token.lastgroup == "name":
            names.add(decode_name(token["name"]))
        elif token.lastgroup == "string":
            position = find_string_end(data, position, budget) or end
    return names
