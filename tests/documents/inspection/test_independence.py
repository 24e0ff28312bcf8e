"""The readers could be published by themselves, with their tests."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from leadintake.documents import inspection

READERS = Path(inspection.__file__).parent
TESTS = Path(__file__).parent
LIBRARIES = {"cryptography"}
ORACLES = {"docx", "hypothesis", "odf", "oletools", "pikepdf", "pytest", "reportlab", "olefile"}
"""What makes and judges the documents of the tests."""


def imports_of(folder: Path, package: str) -> Iterator[tuple[str, str]]:
    """Every file of a folder, with the whole name of each module it imports."""
    for file in sorted(folder.rglob("*.py")):
        inside = ".".join((package, *file.relative_to(folder).parent.parts))
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from ((file.name, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                above = inside.split(".")[: len(inside.split(".")) - node.level + 1] if node.level else []
                yield from (
                    (file.name, ".".join((*above, node.module or "", one.name))) for one in node.names
                )


def strangers(folder: Path, package: str, known: set[str]) -> list[tuple[str, str]]:
    """Imports that are neither of Python, nor of the package itself, nor of what is known."""
    return [
        (file, name)
        for file, name in imports_of(folder, package)
        if not f"{name.replace('..', '.')}.".startswith(tuple(f"{one}." for one in (package, *known)))
        and name.partition(".")[0] not in sys.stdlib_module_names
    ]


def test_the_readers_import_python_themselves_and_one_library():
    assert strangers(READERS, inspection.__name__, LIBRARIES) == []


def test_the_readers_never_name_the_package_they_are_in():
    """They are loaded under another name by the processes that run them."""
    assert [name for _, name in imports_of(READERS, "readers") if name.startswith("leadintake")] == []


def test_the_tests_of_the_readers_import_nothing_else_of_ours():
    known = {inspection.__name__, "leadintake.documents.inspection", *ORACLES}
    allowed = {("test_independence.py", "leadintake.documents.inspection")}
    assert set(strangers(TESTS, "tests.documents.inspection", known)) <= allowed


def test_an_import_of_something_else_would_be_seen(tmp_path):
    (tmp_path / "one.py").write_text("from ..scanner import Scanner\nfrom . import pdf\nimport flask.json\n")
    found = strangers(tmp_path, "leadintake.documents.inspection", LIBRARIES)
    assert found == [("one.py", "leadintake.documents.scanner.Scanner"), ("one.py", "flask.json")]
