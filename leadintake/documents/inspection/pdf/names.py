"""The names by which a PDF says what it does, and how they are found before anything is read."""

from __future__ import annotations

import re

from .syntax import END_OF_NAME, SPACE, spelled

MEDIA_ACTIONS = {"Rendition", "Movie", "Sound", "RichMediaExecute", "GoTo3DView"}  # 12.6.4
MEDIA_ANNOTATIONS = {"Movie", "Screen", "Sound", "3D", "RichMedia"}  # 12.5.6, 13
LINKS = {"GoTo", "GoToR", "GoToE", "GoToDp", "Thread", "Launch", "URI"}
WATCHED = (
    {
        "JavaScript",
        "JS",
        "Launch",
        "URI",
        "SubmitForm",
        "ImportData",
        "XFA",
        "AA",
        "OpenAction",
        "EF",
        "MCD",
        "Base",
        "Ref",
    }
    | {"UF", "DOS", "Mac", "Unix", "Encrypt"}
    | MEDIA_ACTIONS
    | MEDIA_ANNOTATIONS
)
"""Names without which no dictionary does what the table knows; besides /F, which is mostly a number."""
IN_DAMAGE = WATCHED | LINKS | {"F"}
"""Names that are refused where it cannot be said what they belong to."""


def _any_of(names: set[str]) -> bytes:
    """Match one of these names as it stands, by its first letter first."""
    by_letter = {name[0]: [other[1:] for other in sorted(names) if other[0] == name[0]] for name in names}
    return "|".join(f"{letter}(?:{'|'.join(rests)})" for letter, rests in sorted(by_letter.items())).encode()


NUMBER_OF_OBJECT = rb"\+?\d++(?:" + SPACE + rb"*+%|" + SPACE + rb"++\d)"
MAY_ACT = re.compile(
    rb"/(?:(?:%b)%b|F(?=[(<%%]|%b++(?:[(<%%]|%b))|[^\x00\t\n\f\r ()<>\[\]{}/%%#]*+\#)"
    % (_any_of(WATCHED), END_OF_NAME, SPACE, NUMBER_OF_OBJECT)
)
"""Where a name stands that is watched, or one with letters written as #xx, which has to be read first."""
SHAPE = {name: re.compile(b"/" + spelled(name) + END_OF_NAME) for name in ("Catalog", "Page", "XRef")}
"""What every PDF has, in itself or packed; the last one where it has no table."""
ENCRYPT = re.compile(b"/" + spelled("Encrypt") + END_OF_NAME)
