"""docs/security.md and docs/asvs.csv say what is so: tests that are there, numbers that hold, no more."""

from __future__ import annotations

import ast
import csv
import functools
import importlib
import re
from collections import Counter
from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from typing import Any

from leadintake.config.settings import Settings
from leadintake.documents.inspection.harm import TABLE

ROOT = Path(__file__).parents[2]
DOCS, TESTS, PACKAGE = ROOT / "docs", ROOT / "tests", ROOT / "leadintake"
PAGE = (DOCS / "security.md").read_text()
SHEET = [*csv.DictReader((DOCS / "asvs.csv").read_text().splitlines())]
COLUMNS = ["requirement", "level", "asks", "status", "shown_by", "note"]
STATUSES = ("met", "not met", "by configuration", "not applicable")
LEVELS = {
    "1.1": "22", "1.2": "1111122223", "1.3": "112222222223", "1.4": "222", "1.5": "123",
    "2.1": "122", "2.2": "112", "2.3": "12223", "2.4": "23",
    "3.1": "3", "3.2": "113", "3.3": "12223", "3.4": "11222233", "3.5": "11122333", "3.6": "3",
    "3.7": "22333",
    "4.1": "12233", "4.2": "23333", "4.3": "22", "4.4": "1222",
    "5.1": "2", "5.2": "112333", "5.3": "113", "5.4": "222",
    "6.1": "122", "6.2": "111111112222", "6.3": "11223333", "6.4": "112233", "6.5": "22222333",
    "6.6": "2223", "6.7": "33", "6.8": "2222",
    "7.1": "222", "7.2": "1111", "7.3": "22", "7.4": "11222", "7.5": "223", "7.6": "22",
    "8.1": "1233", "8.2": "1123", "8.3": "133", "8.4": "23",
    "9.1": "111", "9.2": "1222",
    "10.1": "22", "10.2": "223", "10.3": "22223", "10.4": "1111122222233333", "10.5": "22222",
    "10.6": "22", "10.7": "222",
    "11.1": "2233", "11.2": "22233", "11.3": "11233", "11.4": "1222", "11.5": "23", "11.6": "23",
    "11.7": "33",
    "12.1": "12233", "12.2": "11", "12.3": "22223",
    "13.1": "2333", "13.2": "222223", "13.3": "2233", "13.4": "1222233",
    "14.1": "22", "14.2": "12223333", "14.3": "122",
    "15.1": "12233", "15.2": "12233", "15.3": "1222222", "15.4": "3333",
    "16.1": "2", "16.2": "22222", "16.3": "2222", "16.4": "222", "16.5": "2223",
    "17.1": "23", "17.2": "22223333", "17.3": "22",
}  # fmt: skip
"""The levels of the requirements of OWASP ASVS 5.0.0, in their order, for each of its sections."""
SAYS_A_BOUND = re.compile(
    r"\bbounded\b|\bat most\b|\bno (?:more|longer) than\b|\bnever (?:more|longer) than\b|\blimited to\b"
    r"|\bin under (?:an?|one|two|three|five|ten|\d+)\b"
    r"|\bwithin (?:an?|half|one|two|three|five|ten|fifteen|twenty|thirty|\d+)\b",
    re.IGNORECASE,
)
NUMBERS = (
    "half", "one", "two", "three", "four", "five", "six", "ten", "fifteen", "twenty", "thirty", "hundred",
    "once", "twice", "day", "minute", "hour",
)  # fmt: skip
HELD = re.compile(r"#what-one-request-may-cost|`(?:tests/)?(?:[a-z_]+/)*test_\w+(?:\.py)?")


@functools.cache
def functions_of(file: Path) -> frozenset[str]:
    """The names of the tests in a file."""
    tree = ast.parse(file.read_text())
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


@functools.cache
def anchors_of(page: Path) -> frozenset[str]:
    """Where links may lead on a page: its headings, as GitHub and GitLab name them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return frozenset(heading.strip().replace(" ", "-") for heading in plain)


def is_there(shown: str) -> bool:
    """Whether a test, a section of a page, a setting or a file exists."""
    if "::" in shown:
        file, _, name = shown.partition("::")
        found = ROOT / file
        return file.startswith("tests/") and found.is_file() and name in functions_of(found)
    if "#" in shown:
        file, _, anchor = shown.partition("#")
        return (ROOT / file).is_file() and anchor in anchors_of(ROOT / file)
    if shown.isupper():
        return shown in {setting.name for setting in fields(Settings)}
    return (ROOT / shown).is_file()


def section(title: str, page: str = PAGE) -> str:
    """What stands below a heading, up to the next one of its kind."""
    assert page.count(f"\n## {title}\n") == 1, title
    return page.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def rows_of(text: str, columns: int) -> list[list[str]]:
    """The cells of the tables with so many columns, without their heads."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    found = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    ruled = {at for at, cells in enumerate(found) if all(re.fullmatch(r":?-+:?", cell) for cell in cells)}
    body = [cells for at, cells in enumerate(found) if at not in ruled and at + 1 not in ruled]
    return [cells for cells in body if len(cells) == columns]


class TestTheSheet:
    """docs/asvs.csv."""

    def test_it_has_every_requirement_of_the_standard_once_and_in_order(self):
        wanted = {f"{at}.{n}": level for at, levels in LEVELS.items() for n, level in enumerate(levels, 1)}
        assert len(wanted) == 345
        assert [*SHEET[0]] == COLUMNS
        assert [(row["requirement"], row["level"]) for row in SHEET] == [*wanted.items()]
        assert {row["requirement"].partition(".")[0] for row in SHEET} == {str(n) for n in range(1, 18)}

    def test_a_row_says_what_it_asks_whether_that_is_so_and_what_shows_it(self):
        for row in SHEET:
            number, shown_by = row["requirement"], row["shown_by"].split()
            assert row["status"] in STATUSES, number
            assert len(row["asks"]) >= 5, number
            if row["status"] == "met":
                assert any("::" in shown or "#" in shown for shown in shown_by), number
            elif row["status"] == "by configuration":
                assert any("::" not in shown for shown in shown_by), f"{number}: a setting, or a file"
            else:
                assert len(row["note"]) >= 5, f"{number}: what is missing, or why there is none"
        shown = {(row["requirement"], one) for row in SHEET for one in row["shown_by"].split()}
        assert [pair for pair in sorted(shown) if not is_there(pair[1])] == []

    def test_no_row_waits_to_be_looked_at_again(self):
        assert [row["requirement"] for row in SHEET if "CHECK:" in row["note"]] == []

    def test_these_tests_would_notice(self):
        for wrong in (
            "tests/house/test_security_page.py::test_nothing", "tests/none.py::test_x",
            "docs/security.md#none", "NO_SUCH_SETTING", "docs/none.md",
        ):  # fmt: skip
            assert not is_there(wrong)

    def test_the_page_says_how_many_are_met(self):
        told = {cells[0].partition(" ")[0].strip("*"): cells[1:] for cells in rows_of(section("ASVS 5.0"), 6)}
        assert [*told] == [*(f"V{n}" for n in range(1, 18)), "all"]
        for chapter, numbers in told.items():
            of = [row for row in SHEET if chapter in ("all", f"V{row['requirement'].partition('.')[0]}")]
            counts = Counter(row["status"] for row in of)
            wanted = [*(counts[status] for status in STATUSES), len(of)]
            assert [int(number.strip("*")) for number in numbers] == wanted, chapter

    def test_it_is_linked_from_the_page(self):
        assert "(asvs.csv)" in PAGE


def value_of(name: str) -> Any:
    """What a setting is unless told otherwise, or a constant of the code; times in seconds."""
    if "." not in name:
        return getattr(Settings(), name)
    parts = ["leadintake", *name.split(".")]
    if parts[1] == "__init__":
        parts.pop(1)
    at = next(at for at, part in enumerate(parts) if not part.islower())
    found: Any = importlib.import_module(".".join(parts[:at]))
    for part in parts[at:]:
        found = getattr(found, part)
    return found.total_seconds() if isinstance(found, timedelta) else found


BOUNDS = rows_of(section("What one request may cost"), 4)


class TestTheBounds:
    """The numbers of what somebody can cost."""

    def test_there_are_some_for_each_kind_of_cost(self):
        assert len(BOUNDS) >= 30

    def test_a_bound_has_a_number_a_place_and_a_test(self):
        for what, bound, places, tests in BOUNDS:
            assert what
            assert re.search(r"\d", bound) or any(word in bound for word in NUMBERS), f"a number: {what}"
            assert "`" in places, what
            assert "`" in tests, what
        named = {one for row in BOUNDS for one in re.findall(r"`([^`]+)`", row[2])}
        assert [one for one in named if not ((PACKAGE / one).is_file() or (ROOT / one).is_file())] == []
        held = {test for row in BOUNDS for test in re.findall(r"`([^`]+)`", row[3])}
        assert [test for test in held if not is_there(f"tests/{test.removeprefix('tests/')}")] == []

    def test_its_numbers_are_those_of_the_code(self):
        told = [pair for row in BOUNDS for pair in re.findall(r"`([\w.]+) = ([^`]+)`", row[1])]
        offenders = []
        for name, number in told:
            value = value_of(name)
            if not (number == value if isinstance(value, str) else float(number) == value):
                offenders.append((name, number, value))
        assert offenders == []

    def test_each_is_told_once(self):
        assert [what for what, n in Counter(row[0] for row in BOUNDS).items() if n > 1] == []


def blocks_of(text: str) -> list[str]:
    """Paragraphs, items of lists and rows of tables, without headings and code."""
    text = re.sub(r"^(```|~~~).*?^\1", "", text, flags=re.MULTILINE | re.DOTALL)
    found, block = [], ""
    for line in [*text.splitlines(), ""]:
        begins = not line.strip() or line.startswith(("#", "|")) or re.match(r"\s*(?:[-*]|\d+\.) ", line)
        if begins and block:
            found.append(block)
            block = ""
        block = f"{block} {line}".strip()
        if line.startswith(("#", "|")):
            found += [] if line.startswith("#") else [line]
            block = ""
    return found


PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md")), *sorted((DOCS / "decisions").glob("*.md"))]


def claims_of(page: Path) -> list[str]:
    """What a page says of bounds, but for the table of bounds itself and the names of safeguards."""
    text = page.read_text()
    for told in (section("What one request may cost"), text.partition("\n## Safeguards taken away\n")[2]):
        text = text.replace(told, "") if told else text
    return [block for block in blocks_of(text) if SAYS_A_BOUND.search(re.sub(r"\]\([^)]*\)", "]", block))]


def test_no_page_claims_a_bound_without_its_number_and_its_test():
    """The number in the same paragraph, and a test there or a link to the table of bounds."""
    claims = [(page.name, claim) for page in PAGES for claim in claims_of(page)]
    number = re.compile(rf"\d|\b({'|'.join(NUMBERS)})")
    assert [claim for claim in claims if not (number.search(claim[1]) and HELD.search(claim[1]))] == []


def test_a_claim_is_noticed():
    assert SAYS_A_BOUND.search("Whatever it is, it is done within ten seconds.")
    assert not HELD.search("It takes at most ten seconds.")
    assert HELD.search("It takes [at most ten seconds](security.md#what-one-request-may-cost).")
    assert HELD.search("It takes at most ten seconds (`core/db/test_timeouts.py`).")


def test_what_a_document_may_do_is_the_table_of_the_code():
    def effect_of(harm):
        effect = TABLE[harm]
        return "refuse" if effect.sentence else "keep with a warning" if effect.flag else "keep"

    told = rows_of(section("What a document may do"), 2)
    assert told == [[str(harm), effect_of(harm)] for harm in TABLE]


def test_the_prose_of_the_page_fits_beside_the_code():
    assert [line for line in PAGE.splitlines() if len(line) > 100 and not line.startswith("|")] == []


def leads_nowhere(page: Path, link: str) -> bool:
    """Whether a link of a page to a file or a heading of ours is a wrong one."""
    if re.match(r"[a-z]+:", link):
        return False
    file, _, anchor = link.partition("#")
    found = (page.parent / file).resolve() if file else page
    return not found.exists() or bool(anchor and anchor not in anchors_of(found))


def test_links_between_the_pages_lead_somewhere():
    links = [(page, link) for page in PAGES for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text())]
    assert len(links) > 100
    assert [(page.name, link) for page, link in links if leads_nowhere(page, link)] == []
