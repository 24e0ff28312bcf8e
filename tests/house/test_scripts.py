"""Our scripts: what they show is text, what they keep is nothing, and what they read changes no object."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from leadintake.site.assets import BUNDLES, find_asset
from tests.factories import UserFactory
from tests.support.html import Page

STATIC = Path(__file__).parents[2] / "leadintake" / "site" / "static"
SCRIPTS = sorted(STATIC.glob("*.js"))
NEVER = {
    "markup made of text": r"(inner|outer|insertAdjacent)HTML|document\.write|DOMParser|createContextual",
    "code made of text": r"\beval\b|\bFunction\(|set(Timeout|Interval)\(\s*[\"'`]|\bimport\(",
    "loose comparison": r"[^=!<>]==[^=]|!=[^=]",
    "prototypes": r"__proto__|\.prototype\b|\.constructor\b|setPrototypeOf|defineProperty",
    "storage that lasts": r"sessionStorage|indexedDB|document\.cookie|\bcaches\b|openDatabase",
    "messages of other windows": r"Listener\(\s*[\"']message|window\.onmessage|\.opener\b|window\.parent",
    "what hinders pasting": r"\bpaste\b|onpaste",
    "other places": r"https?://",
}
KEPT = re.compile(r"localStorage\.(\w+)\(([^)]*)\)")
BY_A_NAME = re.compile(r"[\w.)\]]\[(?!\])([^\]\"'`]+)\]\s*(?:[-+*/|&^]|\?\?|\|\||&&)?=(?![=>])")
"""An assignment to a member whose name is worked out: where the name is somebody's, it may be __proto__."""


@pytest.mark.parametrize("what", NEVER)
def test_a_script_never_uses(what):
    texts = {one.name: re.sub(r"^\s*//.*", "", one.read_text(), flags=re.MULTILINE) for one in SCRIPTS}
    found = {name: re.findall(NEVER[what], text) for name, text in texts.items()}
    if what == "messages of other windows":  # of the form in its frame, and of nobody else
        assert found.pop("embed.js") == ['Listener("message']
    assert len(found) > 2
    assert {name: uses for name, uses in found.items() if uses} == {}


def test_the_firms_page_hears_its_frame_alone():
    script = (STATIC / "embed.js").read_text()
    (handler,) = re.findall(r'Listener\("message", \(\{.*\}\) => \{\n(.*)\n', script)
    assert handler.strip() == "if (source !== frame.contentWindow || sender !== origin) return;"


def test_no_member_is_set_by_a_name_that_is_worked_out():
    """But numbers of arrays of numbers, in the loop that hashes."""
    found = {script.name: set(BY_A_NAME.findall(script.read_text())) for script in SCRIPTS}
    found["solver.js"] -= {"bytes.length", "i"}
    assert {name: names for name, names in found.items() if names} == {}


def test_all_that_stays_in_a_browser_is_whether_single_keys_are_on():
    kept = [kept for script in SCRIPTS for kept in KEPT.findall(script.read_text())]
    assert kept == [("getItem", '"keys"'), ("setItem", '"keys", keysOn.checked ? "on" : "off"')]
    assert sum(script.read_text().count("localStorage") for script in SCRIPTS) == len(kept)


def test_the_library_keeps_no_page_and_runs_no_text(client, given):
    page = Page(client.sign_in(given(UserFactory)).get("/desk").text)
    (settings,) = (json.loads(one["content"]) for one in page.all("meta") if one["name"] == "htmx-config")
    assert settings["historyCacheSize"] == 0
    assert settings["allowEval"] is False


@pytest.mark.parametrize("name", [name for name in BUNDLES if name.endswith(".js")])
def test_a_script_is_the_same_for_everybody_and_holds_no_data(app, client, browser, given, name):
    with app.test_request_context():
        address = f"/static/{find_asset(name).name}"
    alone = client.get(address)
    signed_in = browser().sign_in(given(UserFactory, "admin")).get(address)
    assert alone.data == signed_in.data
    assert alone.content_type == "text/javascript; charset=utf-8"


def test_this_test_would_notice():
    assert BY_A_NAME.findall("answer[field.name] = reasons") == ["field.name"]
    assert BY_A_NAME.findall("a.b[key] ??= {}") == ["key"]
    assert BY_A_NAME.findall("const [one, two] = hash; if (a[b] === c) f(a[b] => c)") == []
