"""No page shows a sentence that was written for programs."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from leadintake.core.errors import PAGE_SENTENCES, SENTENCES, Refusal
from tests.support.html import Page

PACKAGE = Path(__file__).parents[2] / "leadintake"
FOR_PROGRAMS = re.compile(
    r"\b(POST|GET|PUT|PATCH|DELETE|[Hh]eaders?|[Tt]okens?|keys?|CSRF|JSON|multipart|boundary|method)\b|X-"
)
COMMANDS = {"auth/tokens/service.py"}
"""Rooms whose refusals are read at a terminal alone."""
HTML = {"Accept": "text/html"}


def kinds(kind: type[Refusal] = Refusal) -> Iterator[str]:
    """The names of all refusals."""
    yield kind.__name__
    for one in kind.__subclasses__():
        yield from kinds(one)


def sentences_without_a_page(source: str, names: set[str]) -> Iterator[tuple[int, str]]:
    """What refusals say to programs where they say nothing else to people."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or any(word.arg == "page" for word in node.keywords):
            continue
        is_own = isinstance(node.func, ast.Name) and node.func.id in names
        is_super = isinstance(node.func, ast.Attribute) and ast.unparse(node.func) == "super().__init__"
        if is_own or is_super:
            texts = [one.value for one in ast.walk(node) if isinstance(one, ast.Constant)]
            yield from (
                (node.lineno, text) for text in texts if isinstance(text, str) and FOR_PROGRAMS.search(text)
            )


def test_every_refusal_has_words_for_people(app):
    names, offenders = set(kinds()), []
    for module in sorted(PACKAGE.rglob("*.py")):
        if "cli" in module.stem or str(module.relative_to(PACKAGE)) in COMMANDS:
            continue
        source = module.read_text()
        found = sentences_without_a_page(source, names)
        offenders += [
            f"{module.relative_to(PACKAGE)}:{line}: {text}"
            for line, text in found
            if "Refusal" in source or "raise" in source
        ]
    assert offenders == []
    assert [one for one in (SENTENCES | PAGE_SENTENCES).values() if FOR_PROGRAMS.search(one)] == []


def test_a_sentence_for_programs_is_found():
    source = 'raise Forbidden("Send the token.")\nraise Forbidden("Send the token.", page="Load it again.")'
    assert list(sentences_without_a_page(source, {"Forbidden"})) == [(1, "Send the token.")]


@pytest.mark.parametrize(
    ("method", "path", "more", "status"),
    [
        ("POST", "/desk/leads/01a22224-d3f4-7000-8000-000000000000/take", {}, 401),
        ("POST", "/desk/sign-out", {"headers": {"Sec-Fetch-Site": "cross-site"}}, 401),
        ("POST", "/desk/sign-in", {"headers": {"Sec-Fetch-Site": "cross-site"}}, 403),
        ("PUT", "/desk", {}, 405),
        ("PUT", "/", {}, 405),
        ("GET", "/nothing", {}, 404),
        ("POST", "/public/leads", {"data": b"{}", "content_type": "application/json"}, 415),
        ("POST", "/public/leads", {"data": b"x", "content_type": "multipart/form-data"}, 400),
        ("POST", "/desk/sign-in", {"data": b"x", "headers": {"Content-Encoding": "gzip"}}, 415),
        ("GET", "/desk/sign-in", {"headers": {"Origin": "https://" + "x" * 2_000}}, 400),
        ("GET", "/metrics", {"environ_base": {"REMOTE_ADDR": "192.0.2.1"}}, 403),
    ],
)
def test_a_refusal_is_shown_in_a_person_s_words(client, method, path, more, status):
    more = {**more, "headers": {**HTML, **more.get("headers", {})}}
    answer = client.open(path, method=method, **more)
    assert answer.status_code == status
    shown = Page(answer.text).all("main")[0].text
    assert not FOR_PROGRAMS.search(shown), shown


def test_so_is_a_page_of_another_session(browser, amara):
    client = browser().sign_in(amara)
    client.csrf_token = None
    answer = client.post("/desk/sign-out", headers=HTML)
    assert answer.status_code == 403
    assert not FOR_PROGRAMS.search(Page(answer.text).all("main")[0].text)
