"""File names of uploads: their ending, and a name that is safe to show."""

from __future__ import annotations

import re
from dataclasses import dataclass

from leadintake.core.text import is_invisible, visible_name
from leadintake.documents.inspection import BY_EXTENSION

MAX_LENGTH = 255
DEFAULT_STEM = "resume"
OTHER_SPELLINGS = {".jpeg": ".jpg"}
HEIC_ENDINGS = {".heic", ".heif"}
ENDINGS = "|".join(map(re.escape, (*BY_EXTENSION, *OTHER_SPELLINGS)))
# An accepted ending, then what programs add to a second copy: a dot, " (1)", "-2", "_".
ACCEPTED_NAME = re.compile(
    rf"(?P<stem>.*)(?P<ending>{ENDINGS})(?P<copy>[\W\d_]*)",
    re.IGNORECASE | re.DOTALL,
)
ENDING_SHAPE = re.compile(r"(?![vV]\d)([a-z][a-z0-9]{1,3}|[A-Z][A-Z0-9]{1,3})")
OTHER_ENDINGS = {
    "3gp", "7z", "class", "command", "crdownload", "desktop", "download", "ipynb", "mhtml", "numbers",
    "pages", "shtml", "sqlite", "torrent", "webarchive", "webloc", "xhtml",
}  # fmt: skip
"""Endings of other kinds of file that ENDING_SHAPE does not match."""


@dataclass(frozen=True)
class Name:
    """File name that is safe to show. `ending`: accepted, in lower case, or empty."""

    stem: str
    ending: str = ""
    written: str = ""
    """Ending as the sender wrote it."""
    is_refused: bool = False
    """Whether it names another kind of file, or is empty."""

    @classmethod
    def of(cls, filename: str) -> Name:
        """Split a name into stem and ending."""
        name = _strip_invisible(visible_name(filename, MAX_LENGTH))
        if match := ACCEPTED_NAME.fullmatch(name):
            copy = match["copy"].rstrip(". ") if re.search(r"\d", match["copy"]) else ""
            ending = match["ending"].lower()
            return cls(match["stem"] + copy, OTHER_SPELLINGS.get(ending, ending), match["ending"])
        name = _strip_invisible(name.rstrip(". "))
        return cls(name, is_refused=not name or _has_other_ending(name))

    @property
    def is_heic(self) -> bool:
        """Whether it says that this is a photograph by an iPhone."""
        return self.stem[-5:].lower() in HEIC_ENDINGS

    def replace_ending(self, ending: str) -> str:
        """Return the name with `ending`, in the sender's spelling if that is the same."""
        written = self.written if self.ending == ending else ending
        stem = self.stem or DEFAULT_STEM
        return stem[: MAX_LENGTH - len(written)] + written


def _strip_invisible(name: str) -> str:
    """Strip trailing invisible characters."""
    while name and is_invisible(name[-1]):
        name = name[:-1]
    return name


def _has_other_ending(name: str) -> bool:
    _, dot, ending = name.rpartition(".")
    if not dot or len(ending) < 2:  # an initial
        return False
    return ending.lower() in OTHER_ENDINGS or bool(ENDING_SHAPE.fullmatch(ending))
