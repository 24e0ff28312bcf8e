"""The text of a PDF that a browser wrote: its fonts say which letters their glyphs are."""

from __future__ import annotations

import re
from pathlib import Path

import pikepdf

HEX = re.compile(r"<([0-9a-fA-F]+)>")


def text_of(file: Path) -> str:
    """The letters of all pages, in the order in which they are drawn; blanks and lines are not exact."""
    with pikepdf.open(file) as pdf:
        return " ".join(_text_of_page(page) for page in pdf.pages)


def _text_of_page(page: pikepdf.Page) -> str:
    letters = {name: _letters_of(font) for name, font in page.Resources.Font.items()}
    pieces: list[str] = []
    font: dict[int, str] = {}
    for operands, operator in pikepdf.parse_content_stream(page):
        match str(operator):
            case "Tf":
                font = letters[str(operands[0])]
            case "Tj" | "TJ":
                strings = operands[0] if str(operator) == "TJ" else operands
                for one in strings:
                    if isinstance(one, pikepdf.String):
                        codes = bytes(one)
                        pieces += [font.get(int.from_bytes(pair), "") for pair in _pairs(codes)]
            case "BT" | "Td" | "Tm":
                pieces.append("\n")
    return re.sub(r"\n+", "", "".join(pieces))


def _pairs(codes: bytes) -> list[bytes]:
    return [codes[place : place + 2] for place in range(0, len(codes), 2)]


def _letters_of(font: pikepdf.Object) -> dict[int, str]:
    """The letters of a font by glyph, from its ToUnicode map (ISO 32000, 9.10.3)."""
    if "/ToUnicode" not in font:
        return {}
    letters: dict[int, str] = {}
    for line in font.ToUnicode.read_bytes().decode("latin-1").splitlines():
        found = HEX.findall(line)
        if len(found) == 3:
            first, last, code = (int(one, 16) for one in found)
            letters |= {glyph: chr(code + glyph - first) for glyph in range(first, last + 1)}
        elif len(found) == 2:
            letters[int(found[0], 16)] = bytes.fromhex(found[1]).decode("utf-16-be")
    return letters
