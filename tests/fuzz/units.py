"""What is repeated: pieces of text that parsers are known to stumble over, and mixtures of them."""

from __future__ import annotations

import random

UNITS = {
    "marks": "\u0301\u0316",
    "accents": "a\u0301",
    "heap": "\u0316",
    "joined": "\N{WOMAN}\u200d\u2696\ufe0f\u200d",
    "ligatures": "\ufdfa",
    "jamo": "\u1100\u1161\u11a8",
    "turned": "\u202e",
    "digits": "9",
    "wishes": "a/b;q=0.1,",
    "languages": "es-MX;q=0.5, ",
    "escapes": "%cc%81",
    "quotes": '"',
    "strokes": "'\\",
    "commas": ",",
    "blanks": " ",
    "tabs": "\t",
    "cookies": "a=b; ",
    "tags": 'W/"x",',
    "parameters": ";a*0*=utf-8''x",
    "ranges": "0-1,",
    "pairs": "a=b&",
    "slashes": "/",
    "dots": "a.",
    "labels": "xn--a-.",
    "brackets": "[",
    "braces": '{"a":',
    "ats": "@",
    "formulas": "=;",
    "addresses": "<a@b.example.com>,",
    "nothing": "\x00",
}
"""By name. The first two are what the kinds of fault that were found so far cost most with."""
HEADS = ("", "", "", '"', "a=", "bytes=", "W/", "Basic ", "Bearer ", "mailto:", "/desk", "[", "{", "2026-")
TAILS = ("", "", "", "x", '"', "\x00", "]", "}", "@example.com", ".pdf", "=", "%", "\ufffd")


def repeated(unit: str, size: int, head: str = "", tail: str = "") -> str:
    """As many of the unit as have this many bytes in UTF-8, at least one."""
    return head + unit * max(1, size // len(unit.encode())) + tail


def mixed(dice: random.Random) -> tuple[str, str, str]:
    """A unit that nobody thought of, and what stands before and after many of it."""
    pieces = [dice.choice([*UNITS.values()]) for _ in range(dice.randint(1, 4))]
    if dice.random() < 0.3:
        pieces.append(chr(dice.choice([dice.randint(32, 126), dice.randint(160, 0x2FFF), 0x1F600])))
    return "".join(pieces), dice.choice(HEADS), dice.choice(TAILS)
