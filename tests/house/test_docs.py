"""Documents are read in an editor and in a terminal, too."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
MAX_LINE_LENGTH = 100


def long_lines(document: Path) -> list[str]:
    """Lines of prose that are longer; rows of tables and what is to be typed in stay in one piece."""
    found, is_code = [], False
    for number, line in enumerate(document.read_text(encoding="utf-8").splitlines(), 1):
        if line.lstrip().startswith("```"):
            is_code = not is_code
        elif len(line) > MAX_LINE_LENGTH and not is_code and not line.startswith(("|", "<")):
            found.append(f"{document.relative_to(ROOT)}:{number}")
    return found


def test_no_line_of_prose_is_longer_than_a_hundred_characters():
    documents = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    assert len(documents) > 30
    assert [line for document in documents for line in long_lines(document)] == []
