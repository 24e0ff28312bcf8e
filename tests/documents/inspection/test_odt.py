"""What an ODT may hold beside words."""

from __future__ import annotations

import zipfile

import pytest

from leadintake.documents.inspection.findings import Flag, Refused
from tests.documents.inspection.files import container, entries_of, inspected, real, repacked

ODT = real("illustrated.odt")
MACROS = r"^This document contains macros\. Please save it as PDF and try again\.$"
FETCHES = "fetches content from elsewhere"
SUBDOCUMENT = "fetches parts of its text from other files"
MIMETYPE = {"mimetype": b"application/vnd.oasis.opendocument.text"}


def refused(content: bytes, sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        inspected("resume.odt", content)


def changed(old: str, new: str, part: str = "content.xml") -> bytes:
    """The genuine document with other words in one of its parts."""
    content = entries_of(ODT)[part]
    assert old.encode() in content
    return repacked(ODT, **{part: content.replace(old.encode(), new.encode(), 1)})


def with_element(element: str) -> bytes:
    """The genuine document with an element more in its text."""
    schema = "urn:oasis:names:tc:opendocument:xmlns:presentation:1.0"
    return changed(
        "</office:text>", f'<text:p xmlns:presentation="{schema}">{element}</text:p></office:text>'
    )


def test_links_pictures_and_tables_are_nothing_to_be_warned_of():
    text = entries_of(ODT)["content.xml"]
    assert b'xlink:href="mailto:jane@example.com"' in text
    assert b'xlink:href="https://example.com/jane"' in text
    assert b"<draw:image" in text
    assert b"<table:table " in text
    assert inspected("resume.odt", ODT) == frozenset()


LOCKED = r"^This document is locked with a password\. Please remove the password and send it again\.$"


def test_a_document_with_a_password_is_refused_with_what_to_do():
    found = entries_of(real("locked.odt"))
    assert b"encryption-data" in found["META-INF/manifest.xml"]
    assert not found["content.xml"].startswith(b"<?xml")
    refused(real("locked.odt"), LOCKED)


def test_a_document_locked_as_a_whole_is_refused_with_what_to_do():
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
    refused(container(MIMETYPE | whole), LOCKED)
    older = manifest.replace(schema, "http://openoffice.org/2001/manifest")
    refused(container(MIMETYPE | whole | {"META-INF/manifest.xml": older.encode()}), LOCKED)


def test_what_is_called_locked_is_judged_by_its_name_all_the_same():
    refused(repacked(real("locked.odt"), **{"Basic/Standard/Module1.xml": b"<x/>"}), MACROS)
    refused(repacked(real("locked.odt"), **{"Pictures/1.exe": b"x"}), "carries a program inside")


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
    assert inspected("resume.odt", repacked(ODT, **{name: b""})) == frozenset()


@pytest.mark.parametrize(
    "element",
    [
        '<script:event-listener script:event-name="dom:load" xlink:href="x"/>',
        '<office:script script:language="ooo:Basic">Sub Main</office:script>',
        '<draw:image xlink:href="vnd.sun.star.script:Standard.Module1.Main?language=Basic"/>',
        '<style:x xlink:href="macro:///Standard.Module1.Main"/>',
    ],
)
def test_markup_that_starts_code_is_refused(element):
    refused(with_element(element), MACROS)


CLICKED = ["text:a", "draw:a", "draw:area-rectangle", "form:button", "form:form"]


@pytest.mark.parametrize("element", CLICKED)
@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ("vnd.sun.star.script:Standard.Module1.Main?language=Basic", "a link that starts a program"),
        ("macro:///Standard.Module1.Main", "a link that starts a program"),
        (".uno:Quit", "a link that starts a program"),
        ("slot:5500", "a link that starts a program"),
        ("service:x", "a link that starts a program"),
        ("vnd.libreoffice.command:x", "a link that starts a program"),
        ("ms-msdt:/id", "a link that starts a program"),
        ("file:///C:/x.exe", "a link that starts a program"),
        ("smb://evil.example/x.odt", "a link that opens a file of another computer"),
        ("//evil.example/x", "a link that opens a file of another computer"),
        ("vnd.sun.star.webdav://evil.example/x", "a link that opens a file of another computer"),
    ],
)
def test_a_link_that_does_more_than_lead_to_a_page_is_refused(element, target, sentence):
    refused(with_element(f'<{element} xlink:href="{target}"/>'), sentence)


@pytest.mark.parametrize("element", CLICKED)
def test_a_link_with_an_unusual_scheme_is_kept_with_a_warning(element):
    whole = with_element(f'<{element} xlink:href="onenote:x"/>')
    assert inspected("resume.odt", whole) == {Flag.UNUSUAL_LINK}


WEB = ["http://evil.example/x.png", "https://evil.example/x.png", " HTTP://evil.example"]
MACHINE = [
    "ftp://evil.example/x.png",
    "//evil.example/share/x.png",
    r"\\evil.example\share\x.png",
    "file://evil.example/share/x.png",
    "file:////evil.example/share/x.png",
    "smb://evil.example/x.png",
    "vnd.sun.star.webdav://evil.example/x.png",
    "vnd.sun.star.pkg://http%3A%2F%2Fevil.example/x",
]
OWN_DISK = ["file:///home/jane/x", "file:///C:/Users/Jane/x", "../x", "Pictures/1.png", "./Object 1", "#x"]
TAKING = {
    **dict.fromkeys(("draw:object", "draw:object-ole", "draw:plugin", "draw:floating-frame"), FETCHES),
    **dict.fromkeys(("table:table-source", "table:cell-range-source", "form:connection-resource"), FETCHES),
    **dict.fromkeys(("text:alphabetical-index-auto-mark-file", "draw:whatever", "meta:auto-reload"), FETCHES),
    "text:section-source": SUBDOCUMENT,
    "meta:template": "fetches its template from another computer",
}
SHOWING = [
    *("draw:image", "draw:fill-image", "style:background-image", "text:list-level-style-image"),
    *("presentation:sound", "svg:font-face-uri"),
]


@pytest.mark.parametrize(("element", "sentence"), TAKING.items())
@pytest.mark.parametrize("target", [*WEB, *MACHINE])
def test_what_is_fetched_by_opening_the_document_is_refused(element, sentence, target):
    refused(with_element(f'<{element} xlink:href="{target}"/>'), sentence)


@pytest.mark.parametrize("element", SHOWING)
@pytest.mark.parametrize("target", MACHINE)
def test_a_picture_on_another_machine_is_refused(element, target):
    refused(with_element(f'<{element} xlink:href="{target}"/>'), FETCHES)


def test_a_picture_of_a_style_on_another_machine_is_refused():
    style = '<draw:fill-image xlink:href="//evil.example/x"/></office:styles>'
    refused(changed("</office:styles>", style, "styles.xml"), FETCHES)


@pytest.mark.parametrize("element", SHOWING)
@pytest.mark.parametrize("target", WEB)
def test_a_picture_from_the_web_is_kept_with_a_warning(element, target):
    whole = with_element(f'<{element} xlink:href="{target}"/>')
    assert inspected("resume.odt", whole) == {Flag.REACHES_OUT}


@pytest.mark.parametrize("element", [*TAKING, *SHOWING, *CLICKED])
@pytest.mark.parametrize("target", OWN_DISK)
def test_what_is_on_the_writers_own_disk_is_nothing_to_be_warned_of(element, target):
    assert inspected("resume.odt", with_element(f'<{element} xlink:href="{target}"/>')) == frozenset()


@pytest.mark.parametrize("element", ["style:text-properties", "style:style", "number:x", "meta:x", "dc:x"])
@pytest.mark.parametrize("target", [*WEB, *MACHINE])
def test_an_address_that_nothing_fetches_is_nothing_to_be_warned_of(element, target):
    """Web editors put them on styles."""
    assert inspected("resume.odt", with_element(f'<{element} xlink:href="{target}"/>')) == frozenset()
    assert inspected("resume.odt", with_element(f'<{element} style:name="{target}"/>')) == frozenset()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("http://www.w3.org/1999/xlink", "http://www.w3.org/2003/xlink"),
        ("opendocument:xmlns:drawing:1.0", "opendocument:xmlns:drawing:1.2"),
        ("urn:oasis:names:tc:opendocument:xmlns:drawing:1.0", "http://openoffice.org/2000/drawing"),
    ],
)
def test_names_of_other_versions_that_libreoffice_knows_are_known(old, new):
    content = entries_of(with_element('<draw:image xlink:href="//evil.example/x"/>'))["content.xml"]
    assert old.encode() in content
    refused(repacked(ODT, **{"content.xml": content.replace(old.encode(), new.encode())}), FETCHES)


@pytest.mark.parametrize(
    ("element", "sentence"),
    [
        ('<form:image form:image-data="//evil.example/x"/>', FETCHES),
        ('<form:form form:datasource="http://evil.example/x.odb"/>', FETCHES),
        ('<draw:applet xlink:href="x"/>', "carries a program inside"),
        ('<text:script script:language="JavaScript">x</text:script>', "a web page or a script inside"),
        ('<draw:frame presentation:action="execute"/>', "a link that starts a program"),
    ],
)
def test_what_fetches_or_starts_by_other_ways_is_refused(element, sentence):
    refused(with_element(element), sentence)


def test_a_picture_of_a_button_from_the_web_is_kept_with_a_warning():
    whole = with_element('<form:button form:image-data="https://example.com/x.png"/>')
    assert inspected("resume.odt", whole) == {Flag.REACHES_OUT}


SVG = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">{}</svg>'


@pytest.mark.parametrize(
    ("drawing", "sentence"),
    [
        ("<script>alert(1)</script>", "a web page or a script inside"),
        ('<g onload="alert(1)"/>', "a web page or a script inside"),
        ("<foreignObject/>", "a web page or a script inside"),
        ('<image xlink:href="//evil.example/x"/>', FETCHES),
        ('<image href="file://evil.example/x"/>', FETCHES),
    ],
)
def test_a_drawing_that_fetches_or_runs_something_is_refused(drawing, sentence):
    refused(repacked(ODT, **{"Pictures/1.svg": SVG.format(drawing).encode()}), sentence)


def test_a_drawing_and_a_link_in_it_are_taken():
    drawing = (
        '<g id="on"/><use xlink:href="#a"/><image href="data:image/png;base64,AA=="/><a href="https://e/"/>'
    )
    whole = repacked(ODT, **{"Pictures/1.svg": SVG.format(drawing).encode()})
    assert inspected("resume.odt", whole) == frozenset()


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
    assert inspected("resume.odt", with_element(element)) == frozenset()


def test_an_object_of_its_own_is_looked_at_like_the_document():
    assert inspected("resume.odt", repacked(ODT, **{"Object 1/content.xml": b"<math/>"})) == frozenset()
    refused(repacked(ODT, **{"Object 1/content.xml": b"<!DOCTYPE x><math/>"}), "word processors do not write")


def test_an_object_of_another_program_is_marked():
    with_object = repacked(ODT, **{"Object 1": real("spreadsheet.doc")})
    assert inspected("resume.odt", with_object) == {Flag.EMBEDDED}


def test_a_document_whose_text_is_something_else_is_refused():
    refused(repacked(ODT, **{"content.xml": b"<x/>"}), "damaged")
    refused(repacked(ODT, **{"content.xml": entries_of(ODT)["styles.xml"]}), "damaged")


def test_an_empty_part_as_old_programs_write_it_is_taken():
    empty = repacked(ODT, **{"Configurations2/accelerator/current.xml": b""})
    assert inspected("resume.odt", empty) == frozenset()


@pytest.mark.parametrize("part", ["content.xml", "META-INF/manifest.xml"])
def test_an_empty_part_that_is_needed_is_damage(part):
    refused(repacked(ODT, **{part: b""}), "damaged")


PUBLIC = 'manifest:manifest PUBLIC "-//OpenOffice.org//DTD Manifest 1.0//EN" "Manifest.dtd"'


def typed(declared: str, part: str = "META-INF/manifest.xml") -> bytes:
    """The genuine document with a part that declares its type."""
    return changed("?>", f"?><!DOCTYPE {declared}>", part)


def test_a_manifest_that_names_its_type_as_old_programs_do_is_taken():
    assert inspected("resume.odt", typed(PUBLIC)) == frozenset()


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


LIBRARY = 'xmlns:library="http://openoffice.org/2000/library" xmlns:xlink="http://www.w3.org/1999/xlink"'
EMPTY = {
    "Basic/script-lc.xml": f'<library:libraries {LIBRARY}><library:library library:name="Standard" '
    'library:link="false"/></library:libraries>',
    "Basic/Standard/script-lb.xml": f'<library:library {LIBRARY} library:name="Standard" '
    'library:readonly="false" library:passwordprotected="false"/>',
    "Dialogs/dialog-lc.xml": f'<library:libraries {LIBRARY}><library:library library:name="Standard" '
    'library:link="false"/></library:libraries>',
    "Dialogs/Standard/dialog-lb.xml": f'<library:library {LIBRARY} library:name="Standard"/>',
}
TYPE = '<!DOCTYPE script:module PUBLIC "-//OpenOffice.org//DTD OfficeDocument 1.0//EN" "module.dtd">'


def module(source: str) -> dict[str, bytes]:
    schema = "http://openoffice.org/2000/script"
    content = f'<script:module xmlns:script="{schema}" script:name="Module1">{source}</script:module>'
    return {"Basic/Standard/Module1.xml": content.encode()}


def with_library(**more: bytes) -> bytes:
    return repacked(ODT, **{name: content.encode() for name, content in EMPTY.items()} | more)


@pytest.mark.parametrize(
    "source", ["", "REM  *****  BASIC  *****\n\nSub Main\n\nEnd Sub\n", "' nothing\nOption Explicit"]
)
def test_an_empty_library_is_nothing_to_be_warned_of(source):
    assert inspected("resume.odt", with_library()) == frozenset()
    assert inspected("resume.odt", with_library(**module(source))) == frozenset()


def test_an_empty_library_whose_parts_name_their_type_is_taken():
    """As LibreOffice writes them."""
    named = {
        name: f'<!DOCTYPE x PUBLIC "-//OpenOffice.org//DTD OfficeDocument 1.0//EN" "x.dtd">{content}'
        for name, content in EMPTY.items()
    }
    assert inspected("resume.odt", repacked(ODT, **{n: c.encode() for n, c in named.items()})) == frozenset()
    assert (
        inspected("resume.odt", with_library(**{n: TYPE.encode() + c for n, c in module("").items()}))
        == frozenset()
    )


@pytest.mark.parametrize(
    "source", ['Sub Main\nShell "x"\nEnd Sub', "Sub Other\nEnd Sub", "REM x _\nx", "Dim x", "x" * 70_000]
)
def test_a_library_with_a_line_of_code_is_refused(source):
    refused(with_library(**module(source)), MACROS)
    refused(
        repacked(ODT, **{f"Object 1/{name}": content for name, content in module(source).items()}), MACROS
    )


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("Basic/script-lc.xml", 'link="false"', 'link="true"'),
        ("Basic/script-lc.xml", 'link="false"', 'link="false" xlink:href="file:///C:/x.xlb"'),
        ("Basic/Standard/script-lb.xml", 'protected="false"', 'protected="true"'),
        ("Basic/script-lc.xml", "library:libraries", "library:other"),
    ],
)
def test_a_library_that_is_elsewhere_or_locked_is_refused(name, old, new):
    assert old in EMPTY[name]
    refused(with_library(**{name: EMPTY[name].replace(old, new).encode()}), MACROS)


def test_what_is_no_part_of_an_empty_library_is_refused():
    refused(with_library(**{"Basic/Standard/Module1.pba": b"x"}), MACROS)
    refused(
        with_library(**{"Dialogs/Standard/Dialog1.xml": module("")["Basic/Standard/Module1.xml"]}), MACROS
    )
    refused(with_library(**{"Scripts/python/x.xml": module("")["Basic/Standard/Module1.xml"]}), MACROS)
    words = EMPTY["Basic/script-lc.xml"].replace("</library:libraries>", "Sub Main</library:libraries>")
    refused(with_library(**{"Basic/script-lc.xml": words.encode()}), "word processors do not write")


def test_a_document_whose_kind_stands_anywhere_and_is_packed_is_taken():
    """As tools that pack a folder again do."""
    entries = entries_of(ODT)
    kind = entries.pop("mimetype")
    assert (
        inspected("resume.odt", container(entries | {"mimetype": kind}, zipfile.ZIP_DEFLATED)) == frozenset()
    )
    assert inspected("resume.odt", container(entries | {"mimetype": kind + b"\n"})) == frozenset()
    for wrong in (
        b"",
        kind + b"-template",
        kind + b"-master",
        kind.replace(b"text", b"spreadsheet"),
        bytes(200),
    ):
        refused(container(entries | {"mimetype": wrong}), "not what resume.odt says")
    refused(container(entries), "not what resume.odt says")
