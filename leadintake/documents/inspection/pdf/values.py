"""The values of a PDF (7.3), read exactly and once.

Names are `str`, integers `int`; other numbers mean nothing here and are None, as `null` is.
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
    """An object by its number and generation."""

    number: int
    generation: int


class Several(list["Value"]):
    """The values of a key that a dictionary has twice: viewers take the first or the last."""


@dataclass(frozen=True)
class String:
    """A string as it stands in the file, brackets left out; `owner` is whose key it is encrypted with."""

    raw: bytes
    is_hex: bool
    owner: Reference | None

    def content(self) -> bytes:
        """The bytes that are meant (7.3.4), cut where no reader of ours looks any more."""
        raw = self.raw[:LONGEST_STRING]
        if self.is_hex:
            digits = raw.translate(None, NO_HEX)
            return bytes.fromhex((digits + b"0" if len(digits) % 2 else digits).decode())
        return ESCAPE.sub(_unescape, raw) if b"\\" in raw or b"\r" in raw else raw


Value = str | int | None | String | Reference | Several | list["Value"] | dict[str, "Value"]
Dictionary = dict[str, Value]

DIGITS = re.compile(rb"\d++")
LONGEST_STRING = 16 * 1024
NO_HEX = bytes(set(range(256)) - set(b"0123456789ABCDEFabcdef"))
ESCAPE = re.compile(rb"\\(?:([0-7]{1,3})|(\r\n?|\n)|(.))|\r\n?", re.DOTALL)
ESCAPED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}
IN_NAME = re.compile(rb"#([0-9A-Fa-f]{2})")
PLAIN_WORDS = re.compile(rb"null|[+\-.0-9eE]++|[+-]?(?i:nan|inf|infinity)")
"""Words that are values; programs in a hurry write numbers that are none."""
BOOLEANS = {b"true": True, b"false": False}
OPENED_BY = {b">>": b"<<", b"]": b"["}


def _unescape(found: re.Match[bytes]) -> bytes:
    octal, line, letter = found.groups()
    if octal:
        return bytes([int(octal, 8) & 255])
    if line:
        return b""
    return ESCAPED.get(letter, letter) if letter else b"\n"


class Odd(Exception):
    """What stands here can be read in two ways, or in none."""


def name_of(written: bytes) -> str:
    """A name without its escapes (7.3.5)."""
    if b"#" in written:
        written = IN_NAME.sub(lambda found: bytes.fromhex(found[1].decode()), written)
    return written.decode("latin-1")


def end_of_string(data: bytes, position: int, budget: Budget) -> int | None:
    """Where the string ends whose opening bracket is before this position; None if it does not."""
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
    """Read one value: what it is, and where it ends. Raises Odd, or Refused when the budget is spent."""
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
                    raise Odd
                closed: Value = items if token["closing"] == b"]" else _dictionary(items)
                items = stack.pop()[1]
                items.append(closed)
            elif kind == "string":
                end = end_of_string(data, position, budget)
                if end is None:
                    raise Odd
                items.append(String(data[position : end - 1], is_hex=False, owner=owner))
                position = end
            else:
                _atom(token, kind, owner, items)
            if not stack:
                return items[0], position
            if count > budget.values:
                break
    finally:
        budget.read(count)
    raise Odd


def _atom(token: re.Match[bytes], kind: str | None, owner: Reference | None, items: list[Value]) -> None:
    """Add a value without brackets of its own to the items."""
    if kind == "name":
        items.append(name_of(token["name"]))
    elif kind == "reference":
        number, generation = DIGITS.findall(token["reference"])
        items.append(Reference(int(number), int(generation)))
    elif kind == "number":
        items.append(int(token["number"]))
    elif kind == "flat":
        items.append(String(token["flat"][1:-1], is_hex=False, owner=owner))
    elif kind == "hex" and token["hex"].endswith(b">"):
        items.append(String(token["hex"][1:-1], is_hex=True, owner=owner))
    elif kind == "word" and token["word"] == b"R":  # with a comment in the reference
        if len(items) < 2:
            raise Odd
        generation_, number_ = items.pop(), items.pop()
        if not (isinstance(number_, int) and isinstance(generation_, int)):
            raise Odd
        items.append(Reference(number_, generation_))
    elif kind == "word" and token["word"] in BOOLEANS:
        items.append(BOOLEANS[token["word"]])
    elif kind == "word" and PLAIN_WORDS.fullmatch(token["word"]):
        items.append(None)
    else:
        raise Odd


def _dictionary(items: list[Value]) -> Dictionary:
    keys, values = items[::2], items[1::2]
    if len(keys) != len(values):
        raise Odd
    found: Dictionary = {}
    for key, value in zip(keys, values, strict=True):
        if not isinstance(key, str):
            raise Odd
        if key in found:
            before = found[key]
            value = Several([*(before if isinstance(before, Several) else [before]), value])
        found[key] = value
    return found


def names_in(data: bytes, start: int, end: int, budget: Budget) -> set[str]:
    """The names that are syntax here, however the brackets around them are set."""
    names: set[str] = set()
    position = start
    while position < end and (token := TOKEN.match(data, position)):
        position = token.end()
        budget.read(1)
        if token.lastgroup == "name":
            names.add(name_of(token["name"]))
        elif token.lastgroup == "string":
            position = end_of_string(data, position, budget) or end
    return names
