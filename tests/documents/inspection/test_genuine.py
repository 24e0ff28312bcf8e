"""Documents as many programs write them come in without a warning.

Some are made here by the programs themselves, some were made once by them; for programs that run nowhere here
the parts are put together that they are known to write.
"""

from __future__ import annotations

import io
import zipfile

import docx as python_docx
import pytest
from docx.opc.constants import RELATIONSHIP_TYPE
from odf.draw import Frame, Image
from odf.opendocument import OpenDocumentText
from odf.table import Table, TableCell, TableRow
from odf.text import A, P
from oletools import oleobj

from tests.documents.inspection.files import compound, container, entries_of, inspected, macro_project, real

DOT = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001"
    "a5f645400000000049454e44ae426082"
)
W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
LINKS = "http://schemas.openxmlformats.org/package/2006/relationships"
TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
TEXT = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"


def by_python_docx() -> bytes:
    document = python_docx.Document()
    document.add_heading("Jane Doe", 1)
    document.add_picture(io.BytesIO(DOT))
    document.add_table(2, 2).cell(0, 0).text = "2020"
    document.part.relate_to("https://example.com/jane", RELATIONSHIP_TYPE.HYPERLINK, is_external=True)
    written = io.BytesIO()
    document.save(written)
    return written.getvalue()


def by_odfpy() -> bytes:
    document = OpenDocumentText()
    paragraph = P(text="Jane Doe ")
    paragraph.addElement(A(href="https://example.com/jane", text="her site"))
    frame = Frame(width="1cm", height="1cm")
    frame.addElement(Image(href=document.addPicture("dot.png", "image/png", DOT)))
    paragraph.addElement(frame)
    document.text.addElement(paragraph)
    table, row, cell = Table(name="Years"), TableRow(), TableCell()
    cell.addElement(P(text="2020"))
    row.addElement(cell)
    table.addElement(row)
    document.text.addElement(table)
    written = io.BytesIO()
    document.write(written)
    return written.getvalue()


def relationships(*links: tuple[str, str, bool]) -> bytes:
    """A part with these kinds and targets, and whether they are outside."""
    said = ""
    for number, (kind, target, is_outside) in enumerate(links, 1):
        mode = ' TargetMode="External"' if is_outside else ""
        said += f'<Relationship Id="rId{number}" Type="{R}/{kind}" Target="{target}"{mode}/>'
    head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    return f'{head}<Relationships xmlns="{LINKS}">{said}</Relationships>'.encode()


def part(name: str, within: str = "") -> bytes:
    """A part of a Word text."""
    return f'<?xml version="1.0"?><w:{name} xmlns:w="{W}" xmlns:r="{R}">{within}</w:{name}>'.encode()


def word(
    body: str, parts: dict[str, bytes], links: bytes, main: str = "word/document.xml"
) -> dict[str, bytes]:
    """The parts of a DOCX."""
    rels = "application/vnd.openxmlformats-package.relationships+xml"
    types = (
        f'<Types xmlns="{TYPES}"><Default Extension="rels" ContentType="{rels}"/><Default Extension="xml" '
        f'ContentType="application/xml"/><Override PartName="/{main}" ContentType="{TEXT}"/></Types>'
    )
    return {
        "[Content_Types].xml": types.encode(),
        "_rels/.rels": relationships(("officeDocument", main, False)),
        main: part("document", f"<w:body>{body}</w:body>"),
        f"word/_rels/{main.rpartition('/')[2]}.rels": links,
    } | parts


def field(instruction: str) -> str:
    return (
        '<w:p><w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText xml:space="preserve">'
        f'{instruction}</w:instrText></w:r><w:r><w:fldChar w:fldCharType="separate"/></w:r>'
        "<w:r><w:t>1</w:t></w:r>"
        '<w:r><w:fldChar w:fldCharType="end"/></w:r></w:p>'
    )


BOX = (
    '<mc:AlternateContent xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006">'
    '<mc:Choice Requires="wps">'
    "<w:drawing/></mc:Choice><mc:Fallback><w:pict>"
    '<v:shape xmlns:v="urn:schemas-microsoft-com:vml" '
    'xmlns:o="urn:schemas-microsoft-com:office:office" id="x" type="#_x0000_t202" stroked="f">'
    '<v:imagedata r:id="rId2" o:title="photo"/></v:shape></w:pict></mc:Fallback></mc:AlternateContent>'
)


def as_word_for_windows_writes() -> dict[str, bytes]:
    template = r"file:///C:\Users\Jane%20Doe\AppData\Roaming\Microsoft\Templates\Modern%20Resume.dotx"
    fields = (
        'TOC \\o "1-3" \\h \\z \\u',
        "PAGEREF _Toc1 \\h",
        'HYPERLINK "https://example.com"',
        "SEQ Figure \\* ARABIC",
    )
    fields += (
        "STYLEREF 1",
        "DATE \\@ &quot;d MMMM yyyy&quot;",
        "MERGEFIELD Name",
        "ADDIN EN.CITE &lt;x/&gt;",
        "FORMTEXT",
    )
    body = "".join(map(field, fields)) + f'<w:p><w:r>{BOX}</w:r><w:hyperlink r:id="rId1"/></w:p>'
    links = relationships(
        ("hyperlink", "mailto:jane@example.com", True),
        ("image", "media/image1.png", False),
        ("customXml", "../customXml/item1.xml", False),
        ("glossaryDocument", "glossary/document.xml", False),
    )
    picture = "file:///C:/Users/Jane%20Doe/AppData/Local/Temp/msohtmlclip1/01/clip_image001.png"
    return word(
        body,
        {
            "word/media/image1.png": DOT,
            "word/settings.xml": part("settings", '<w:attachedTemplate r:id="rId1"/>'),
            "word/_rels/settings.xml.rels": relationships(("attachedTemplate", template, True)),
            "word/header1.xml": part("hdr", field("PAGE")),
            "word/_rels/header1.xml.rels": relationships(("image", picture, True)),
            "word/glossary/document.xml": part("glossaryDocument"),
            "word/webSettings.xml": part("webSettings"),
            "customXml/item1.xml": b'<b:Sources xmlns:b="urn:bibliography"/>',
            "customXml/_rels/item1.xml.rels": relationships(("customXmlProps", "itemProps1.xml", False)),
            "customXml/itemProps1.xml": b"<x/>",
            "docProps/thumbnail.emf": b"\1\0\0\0" + bytes(100),
            "word/vbaProject.bin": compound(
                macro_project({"ThisDocument": 'Attribute VB_Name = "ThisDocument"\r\n'})
            ),
        },
        links,
    )


def as_word_for_mac_writes() -> dict[str, bytes]:
    template = "file:////Users/jane/Library/Group%20Containers/UBF8T346G9.Office/User%20Content/Resume.dotx"
    picture = "file:////private/var/folders/tq/x1/T/com.microsoft.Word/Content.MSO/1A2B3C.tmp"
    pasted = "/var/folders/tq/x1/T/com.microsoft.Word/WebArchiveCopyPasteTempFiles/photo.jpg"
    body = field(f' INCLUDEPICTURE "{pasted}" \\* MERGEFORMATINET ')
    return word(
        body,
        {
            "word/settings.xml": part("settings", '<w:attachedTemplate r:id="rId1"/>'),
            "word/_rels/settings.xml.rels": relationships(("attachedTemplate", template, True)),
        },
        relationships(("image", picture, True), ("hyperlink", "file:////Users/jane/Desktop/x.pdf", True)),
    )


def as_google_docs_writes() -> dict[str, bytes]:
    links = relationships(
        ("hyperlink", "https://www.linkedin.com/in/jane", True),
        ("fontTable", "fontTable.xml", False),
        ("hyperlink", "https://example.com/?q=a%2F%2Fb", True),
        ("image", "media/image1.png", False),
    )
    return word(
        '<w:p><w:hyperlink r:id="rId1"/></w:p>',
        {
            "word/fontTable.xml": part("fonts", '<w:embedRegular r:id="rId1"/>'),
            "word/_rels/fontTable.xml.rels": relationships(("font", "fonts/Roboto-regular.ttf", False)),
            "word/fonts/Roboto-regular.ttf": b"\0\1\0\0" + bytes(100),
            "word/media/image1.png": DOT,
        },
        links,
    )


def as_pages_writes() -> dict[str, bytes]:
    return word(
        "<w:p/>",
        {
            "word/media/image1.jpeg": b"\xff\xd8\xff\xe0" + bytes(50),
            "word/theme/theme1.xml": b'<a:theme xmlns:a="urn:a"/>',
        },
        relationships(("hyperlink", "tel:+15550100", True), ("image", "media/image1.jpeg", False)),
    )


def as_wps_and_onlyoffice_write() -> dict[str, bytes]:
    """With targets from the root, and the main part under another number."""
    parts = word(
        "<w:p/>",
        {
            "word/styles.xml": part("styles"),
            "docProps/custom.xml": b'<Properties><property name="KSOProductBuildVer"/></Properties>',
            "customXml/item1.xml": b'<s:customData xmlns:s="http://www.wps.cn/officeDocument/2013/wpsCustomData"/>',
        },
        relationships(("styles", "/word/styles.xml", False)),
        main="word/document2.xml",
    )
    return parts | {"_rels/.rels": relationships(("officeDocument", "/word/document2.xml", False))}


def streamed(entries: dict[str, bytes]) -> bytes:
    """As programs for the web write a zip: folders first, sizes behind the bytes."""

    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def tell(self) -> int:
            raise OSError

    packed = Pipe()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for folder in ("word/", "_rels/"):
            archive.writestr(folder, b"")
        for name, content in entries.items():
            archive.writestr(name, content)
    return packed.getvalue()


def odt_as_word_writes() -> bytes:
    """With the template it came from, and its own order."""
    entries = entries_of(real("illustrated.odt"))
    template = '<meta:template xlink:href="file:///C:/Users/Jane/Templates/Normal.dotm"/></office:meta>'
    meta = entries["meta.xml"].replace(b"</office:meta>", template.encode())
    return container(entries | {"meta.xml": meta})


def odt_as_a_web_editor_writes() -> bytes:
    """Packed again, with addresses on a style and `mimetype` at the end."""
    entries = entries_of(real("illustrated.odt"))
    kind = entries.pop("mimetype")
    style = '<style:style style:name="https://fonts.example.com/" xlink:href="https://example.com/x.css"'
    entries["styles.xml"] = entries["styles.xml"].replace(
        b"</office:styles>", f"{style} style:family='text'/></office:styles>".encode()
    )
    return container(entries | {"mimetype": kind}, zipfile.ZIP_DEFLATED)


MADE = {
    "python-docx": ("x.docx", by_python_docx),
    "odfpy": ("x.odt", by_odfpy),
    "Word for Windows": ("x.docx", lambda: container(as_word_for_windows_writes(), zipfile.ZIP_DEFLATED)),
    "Word for Mac": ("x.docx", lambda: container(as_word_for_mac_writes(), zipfile.ZIP_DEFLATED)),
    "Google Docs": ("x.docx", lambda: container(as_google_docs_writes(), zipfile.ZIP_DEFLATED)),
    "Pages": ("x.docx", lambda: container(as_pages_writes(), zipfile.ZIP_DEFLATED)),
    "WPS and OnlyOffice": ("x.docx", lambda: container(as_wps_and_onlyoffice_write())),
    "docx.js": ("x.docx", lambda: streamed(as_pages_writes())),
    "Word's ODT": ("x.odt", odt_as_word_writes),
    "a web editor's ODT": ("x.odt", odt_as_a_web_editor_writes),
}
KEPT = [
    "pandoc.docx",
    "pandoc.odt",
    "libreoffice-from-docx.odt",
    "libreoffice-from-odt.docx",
    "libreoffice-empty-module.odt",
]


@pytest.mark.parametrize(("name", "write"), MADE.values(), ids=MADE)
def test_what_a_program_writes_comes_in_without_a_warning(name, write):
    assert inspected(name, write()) == frozenset()


@pytest.mark.parametrize("name", KEPT)
def test_what_a_program_wrote_once_comes_in_without_a_warning(name):
    assert inspected(name, real(f"../documents/{name}")) == frozenset()


def test_a_macro_that_libreoffice_wrote_is_refused():
    with pytest.raises(ValueError, match="contains macros"):
        inspected("x.odt", real("../documents/libreoffice-macro.odt"))


def outside(whole: bytes) -> list[tuple[str, str]]:
    """What oletools finds outside: kinds and targets."""
    return list(oleobj.find_external_relationships(oleobj.XmlParser(io.BytesIO(whole))))


@pytest.mark.parametrize("name", ["pandoc.docx", "libreoffice-from-odt.docx"])
def test_oletools_finds_nothing_outside_either(name):
    found = list(
        oleobj.find_external_relationships(oleobj.XmlParser(io.BytesIO(real(f"../documents/{name}"))))
    )
    assert {kind for kind, _ in found} <= {"hyperlink"}


@pytest.mark.parametrize("kind", ["attachedTemplate", "oleObject", "frame", "externalLinkPath"])
def test_what_oletools_finds_outside_is_refused(kind):
    parts = word("<w:p/>", {}, relationships((kind, "http://evil.example/x", True)))
    whole = container(parts)
    assert outside(whole) == [(kind, "http://evil.example/x")]
    with pytest.raises(ValueError, match="fetches"):
        inspected("x.docx", whole)
