"""What an ODT may hold beside words."""

from __future__ import annotations

import pytest

from leadintake.documents.inspection.findings import Flag, Refused
from tests.support.files import container, entries_of, judged, real, repacked

ODT = real("illustrated.odt")
MACROS = r"^This document contains macros\. Please save it as PDF and try again\.$"
FETCHES = "fetches content from elsewhere"
MIMETYPE = {"mimetype": b"application/vnd.oasis.opendocument.text"}


def refused(content: bytes, sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        judged("resume.odt", content)


def changed(old: str, new: str, part: str = "content.xml") -> bytes:
    """The genuine document with other words in one of its parts."""
    content = entries_of(ODT)[part]
    assert old.encode() in content
    return repacked(ODT, **{part: content.replace(old.encode(), new.encode(), 1)})


def with_element(element: str) -> bytes:
    """The genuine document with an element more in its text."""
    return changed("</office:text>", f"{element}</office:text>")


def test_links_pictures_and_tables_are_nothing_to_be_warned_of():
    text = entries_of(ODT)["content.xml"]
    assert b'xlink:href="mailto:jane@example.com"' in text
    assert b'xlink:href="https://example.com/jane"' in text
    assert b"<draw:image" in text
    assert b"<table:table " in text
    assert judged("resume.odt", ODT).flags == frozenset()


def test_a_document_with_a_password_is_marked():
    found = entries_of(real("locked.odt"))
    assert b"encryption-data" in found["META-INF/manifest.xml"]
    assert not found["content.xml"].startswith(b"<?xml")
    assert judged("resume.odt", real("locked.odt")).flags == {Flag.ENCRYPTED}


def test_a_document_locked_as_a_whole_is_marked():
    """As LibreOffice 24.2 and later do: one locked package in the package."""
    schema = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"
    manifest = (
        f'<m:manifest xmlns:m="{schema}"><m:file-entry m:full-path="encrypted-package">'
        "<m:encryption-data/></m:file-entry></m:manifest>"
    )
    whole = {
        "encrypted-package": b"PK\x03\x04 and nobody knows what",
        "META-INF/manifest.xml": manifest.encode(),
    }
    assert judged("resume.odt", container(MIMETYPE | whole)).flags == {Flag.ENCRYPTED}


def test_what_is_not_locked_in_a_locked_document_is_looked_at():
    refused(repacked(real("locked.odt"), **{"Basic/Standard/Module1.xml": b"<x/>"}), MACROS)
    refused(repacked(real("locked.odt"), **{"Pictures/1.png": b"MZ\x90\x00"}), "carries a program inside")


def test_locked_bytes_are_measured_like_others():
    whole = real("locked.odt")
    locked = entries_of(whole)["content.xml"]
    assert whole.count(locked) == 1
    refused(whole.replace(locked, b"\x00" + locked[1:]), "damaged")


@pytest.mark.parametrize(
    "name",
    [
        "Basic/Standard/Module1.xml",
        "Basic/script-lc.xml",
        "basic/x",
        "Scripts/python/x.py",
        "Dialogs/x/y.xml",
    ],
)
def test_code_is_refused(name):
    refused(repacked(ODT, **{name: b"<x/>"}), MACROS)


@pytest.mark.parametrize("name", ["Basic/", "Scripts/"])
def test_an_empty_folder_for_code_is_taken(name):
    assert judged("resume.odt", repacked(ODT, **{name: b""})).flags == frozenset()


@pytest.mark.parametrize(
    "element",
    [
        '<script:event-listener script:event-name="dom:load" xlink:href="x"/>',
        '<office:script script:language="ooo:Basic">Sub Main</office:script>',
        '<text:a xlink:href="vnd.sun.star.script:Standard.Module1.Main?language=Basic">Jane</text:a>',
        '<text:a xlink:href="macro:///Standard.Module1.Main">Jane</text:a>',
    ],
)
def test_markup_that_starts_code_is_refused(element):
    refused(with_element(element), MACROS)


@pytest.mark.parametrize(
    "target",
    [
        "http://evil.example/x.png",
        "https://evil.example/x.png",
        "ftp://evil.example/x.png",
        "//evil.example/share/x.png",
        r"\\evil.example\share\x.png",
        "file://evil.example/share/x.png",
    ],
)
@pytest.mark.parametrize(
    "element", ["draw:image", "draw:object", "draw:plugin", "text:section-source", "table:table-source"]
)
def test_what_is_fetched_by_opening_the_document_is_refused(element, target):
    refused(with_element(f'<{element} xlink:href="{target}"/>'), FETCHES)


def test_what_is_fetched_by_a_style_is_refused():
    fill = '<draw:fill-image draw:name="x" xlink:href="http://evil.example/x"/></office:styles>'
    refused(changed("</office:styles>", fill, "styles.xml"), FETCHES)


def test_values_that_another_program_keeps_are_refused():
    refused(with_element('<text:dde-connection-decl office:dde-application="cmd"/>'), FETCHES)


@pytest.mark.parametrize(
    "element",
    [
        '<text:a xlink:href="https://example.com/">Jane</text:a>',
        '<draw:a xlink:href="https://example.com/"/>',
        '<draw:area-rectangle xlink:href="https://example.com/"/>',
        '<draw:area-circle xlink:href="https://example.com/"/>',
        '<draw:area-polygon xlink:href="https://example.com/"/>',
        '<draw:image xlink:href="Pictures/1.png"/>',
        '<draw:image xlink:href="../jane.png"/>',
        '<draw:object xlink:href="./Object 1"/>',
        '<draw:image xlink:href="file:///home/jane/jane.png"/>',
    ],
)
def test_links_to_click_on_and_what_is_near_are_taken(element):
    assert judged("resume.odt", with_element(element)).flags == frozenset()


def test_an_object_of_its_own_is_looked_at_like_the_document():
    assert judged("resume.odt", repacked(ODT, **{"Object 1/content.xml": b"<math/>"})).flags == frozenset()
    refused(repacked(ODT, **{"Object 1/content.xml": b"<!DOCTYPE x><math/>"}), "word processors do not write")


def test_an_object_of_another_program_is_marked():
    with_object = repacked(ODT, **{"Object 1": real("spreadsheet.doc")})
    assert judged("resume.odt", with_object).flags == {Flag.EMBEDDED}


def test_a_document_whose_text_is_something_else_is_refused():
    refused(repacked(ODT, **{"content.xml": b"<x/>"}), "damaged")
    refused(repacked(ODT, **{"content.xml": entries_of(ODT)["styles.xml"]}), "damaged")


def test_an_empty_part_as_old_programs_write_it_is_taken():
    empty = repacked(ODT, **{"Configurations2/accelerator/current.xml": b""})
    assert judged("resume.odt", empty).flags == frozenset()


@pytest.mark.parametrize("part", ["content.xml", "META-INF/manifest.xml"])
def test_an_empty_part_that_is_needed_is_damage(part):
    refused(repacked(ODT, **{part: b""}), "damaged")


PUBLIC = 'manifest:manifest PUBLIC "-//OpenOffice.org//DTD Manifest 1.0//EN" "Manifest.dtd"'


def typed(declared: str, part: str = "META-INF/manifest.xml") -> bytes:
    """The genuine document with a part that declares its type."""
    return changed("?>", f"?><!DOCTYPE {declared}>", part)


def test_a_manifest_that_names_its_type_as_old_programs_do_is_taken():
    assert judged("resume.odt", typed(PUBLIC)).flags == frozenset()


def test_a_manifest_that_declares_something_itself_is_refused():
    for inside in ("[]", '[<!ENTITY x "y">]', '[<!ENTITY % x SYSTEM "http://evil.example/x"> %x;]'):
        refused(typed(f"{PUBLIC} {inside}"), "word processors do not write")


@pytest.mark.parametrize("part", ["content.xml", "styles.xml", "META-INF/signatures.xml"])
def test_another_part_that_names_its_type_is_refused(part):
    named = f"<?xml version='1.0'?><!DOCTYPE {PUBLIC}><x/>".encode()
    refused(repacked(ODT, **{part: named}), "word processors do not write")


def test_a_document_without_a_manifest_is_refused():
    parts = entries_of(ODT)
    del parts["META-INF/manifest.xml"]
    refused(container(parts), "damaged")
