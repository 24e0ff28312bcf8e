"""Objects within old documents: pictures and content of an office suite are kept, everything else refused."""

from __future__ import annotations

import struct
import uuid

import pytest

from leadintake.documents.inspection import classes
from leadintake.documents.inspection.findings import Flag, Refused
from leadintake.documents.inspection.harm import TABLE, Harm
from leadintake.documents.inspection.sentences import DAMAGED, TOO_MUCH
from tests.documents.inspection import word as w
from tests.documents.inspection.files import compound, container, inspected, macro_project, real, repacked
from tests.documents.inspection.word import described, field, names, word

PASTED = {Flag.EMBEDDED}
HEADER = 'Attribute VB_Name = "ThisDocument"\r\nAttribute VB_Base = "1Normal.ThisDocument"\r\n'
BITMAP = struct.pack("<L", 30) + b"BM" + bytes(28)
RELS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def clsid(text: str) -> bytes:
    return uuid.UUID(text if "-" in text else f"{text}-0000-0000-C000-000000000046").bytes_le


def with_object(streams: dict[str, bytes], of: bytes = bytes(16)) -> bytes:
    """A DOC with one object of these streams and this class."""
    folder = "ObjectPool/_1234567890"
    return word(
        "Jane",
        more={f"{folder}/{name}": content for name, content in streams.items()},
        classes={folder: of},
    )


def refusal(content: bytes) -> str:
    with pytest.raises(Refused) as refused:
        inspected("resume.doc", content)
    return str(refused.value)


def said(harm: Harm) -> str:
    return TABLE[harm].sentence


@pytest.mark.parametrize(
    ("of", "streams"),
    [
        ("0003000A", {"\x01Ole10Native": BITMAP, "\x03META": b"x"}),
        ("D3E34B21-9D75-101A-8C3D-00AA001A1652", {"CONTENTS": b"BM", "\x01Ole": bytes(20)}),
        ("00000315", {"CONTENTS": b"x"}),
        ("00000316", {"CONTENTS": b"x"}),
        ("00020820", {"Workbook": struct.pack("<HH", 10, 0), "\x01CompObj": b""}),
        ("00020803", {"Workbook": struct.pack("<HH", 10, 0)}),
        ("00020810", {"Book": struct.pack("<HH", 10, 0)}),
        ("64818D10-4F9B-11CF-86EA-00AA00B929E8", {"PowerPoint Document": b"x"}),
        ("00021A14", {"VisioDocument": b"x"}),
    ],
)
def test_a_pasted_picture_and_content_of_an_office_suite_are_warned_of(of, streams):
    assert inspected("resume.doc", with_object(streams, clsid(of))) == PASTED


def test_what_has_no_class_is_known_by_its_streams():
    assert inspected("resume.doc", with_object({"\x03META": b"x", "\x03PIC": b"x"})) == PASTED
    assert inspected("resume.doc", with_object({"Workbook": struct.pack("<HH", 10, 0)})) == PASTED
    assert refusal(with_object({"\x03META": b"x", "setup": b"x"})) == said(Harm.PACKED_FILE)


def test_a_spreadsheet_that_a_word_processor_put_in_is_warned_of():
    assert inspected("resume.doc", real("spreadsheet.doc")) == PASTED


@pytest.mark.parametrize(
    ("of", "harm"),
    [
        ("0003000C", Harm.PACKED_FILE),
        ("F20DA720-C02F-11CE-927B-0800095AE340", Harm.PACKED_FILE),
        ("B801CA65-A1FC-11D0-85AD-444553540000", Harm.PACKED_FILE),  # a PDF, which is no office suite's
        ("DEADBEEF-0000-0000-0000-000000000001", Harm.PACKED_FILE),
        ("0002CE02", Harm.EQUATION),
        ("0002CE03", Harm.EQUATION),
        ("00021700", Harm.EQUATION),
        ("00000300", Harm.DATA_LINK),
        ("79EAC9E0-BAF9-11CE-8C82-00AA004BA90B", Harm.DATA_LINK),
        ("25336920-03F9-11CF-8FD0-00AA00686F13", Harm.OTHER_FORMAT),
        ("8856F961-340A-11D0-A96B-00C04FD705A2", Harm.OTHER_FORMAT),
        ("D27CDB6E-AE6D-11CF-96B8-444553540000", Harm.CONTROL),
        ("8BD21D10-EC42-11CE-9E0D-00AA006002F3", Harm.CONTROL),
        ("00020832", Harm.MACROS),
    ],
)
def test_an_object_of_another_program_is_refused_for_what_it_is(of, harm):
    assert refusal(with_object({"CONTENTS": b"x"}, clsid(of))) == said(harm)
    hidden = {"\x01CompObj": described(clsid(of), b"Excel.Sheet.8"), "CONTENTS": b"x"}
    assert refusal(with_object(hidden, clsid("00020820"))) == said(harm)
    if clsid(of) in classes.BY_ID:
        nested = word("Jane", more={"Other/Deep/x": b"x"}, classes={"Other/Deep": clsid(of)})
        assert refusal(nested) == said(harm)


@pytest.mark.parametrize(
    ("name", "harm"),
    [
        ("Package", Harm.PACKED_FILE),
        ("Package2", Harm.PACKED_FILE),
        ("AcroExch.Document.7", Harm.PACKED_FILE),
        ("Equation.3", Harm.EQUATION),
        ("Equation.DSMT4", Harm.EQUATION),
        ("MathType", Harm.EQUATION),
        ("htmlfile", Harm.OTHER_FORMAT),
        ("Shell.Explorer.2", Harm.OTHER_FORMAT),
        ("scriptletfile", Harm.OTHER_FORMAT),
        ("Forms.TextBox.1", Harm.CONTROL),
        ("ShockwaveFlash.ShockwaveFlash.9", Harm.CONTROL),
        ("MSComctlLib.ListViewCtrl.2", Harm.CONTROL),
        ("Excel.SheetMacroEnabled.12", Harm.MACROS),
        ("Word.DocumentMacroEnabled.12", Harm.MACROS),
        ("OLE2Link", Harm.DATA_LINK),
        ("Excel.Sheet.8.evil", Harm.PACKED_FILE),
    ],
)
def test_an_object_is_refused_for_its_class_name_too(name, harm):
    streams = {"\x01CompObj": described(bytes(16), name.encode()), "\x03META": b"x"}
    assert refusal(with_object(streams)) == said(harm)


@pytest.mark.parametrize("name", ["PBrush", "Paint.Picture", "StaticDib", "Excel.Sheet.12", "MSGraph.Chart"])
def test_the_class_name_of_a_picture_or_an_office_suite_is_kept(name):
    streams = {"\x01CompObj": described(bytes(16), name.encode()), "\x03META": b"x"}
    assert inspected("resume.doc", with_object(streams)) == PASTED


@pytest.mark.parametrize(
    ("streams", "harm"),
    [
        ({"\x01Ole10Native": struct.pack("<LH", 20, 2) + b"a.exe\0"}, Harm.PACKED_FILE),
        ({"\x01OLE10NATIVE": b""}, Harm.PACKED_FILE),
        ({"\x01Ole10ItemName": b"x"}, Harm.DATA_LINK),
        ({"Equation Native": b"x"}, Harm.EQUATION),
        ({"EQUATION NATIVE": b"x"}, Harm.EQUATION),
        ({"\x03LINKINFO": b"x"}, Harm.DATA_LINK),
        ({"\x01Ole": struct.pack("<LL", 0x02000001, 1)}, Harm.DATA_LINK),
        ({"\x03ObjInfo": struct.pack("<HH", 0x10, 3)}, Harm.DATA_LINK),
        ({"\x03ObjInfo": struct.pack("<HH", 0x1000, 3)}, Harm.CONTROL),
        ({"\x03OCXNAME": b"x"}, Harm.CONTROL),
        ({"\x03OCXDATA": b"x"}, Harm.CONTROL),
        ({"f": b"x", "\x03VBFrame": b"x"}, Harm.MACROS),
    ],
)
@pytest.mark.parametrize("of", ["00020820", "0003000A"])
def test_a_stream_that_says_what_an_object_does_is_believed(streams, harm, of):
    assert refusal(with_object(streams, clsid(of))) == said(harm)
    elsewhere = {f"Elsewhere/{name}": content for name, content in streams.items()}
    assert refusal(word("Jane", more=elsewhere)) == said(harm)


def test_a_control_that_the_text_places_is_refused():
    assert inspected("resume.doc", word("Jane", tables={w.CONTROLS: bytes(4)})) == frozenset()
    assert refusal(word("Jane", tables={w.CONTROLS: bytes(40)})) == said(Harm.CONTROL)


def sheets(*records: tuple[int, bytes]) -> bytes:
    """The start of an Excel book of these records."""
    return b"".join(
        struct.pack("<HH", kind, len(content)) + content for kind, content in (*records, (10, b""))
    )


@pytest.mark.parametrize(
    ("record", "harm"),
    [
        ((0x85, struct.pack("<LBB", 0, 0, 1) + b"\x06\0Macro1"), Harm.MACROS),
        ((0x85, struct.pack("<LBB", 0, 2, 6) + b"\x06\0Macro1"), Harm.MACROS),
        ((0x1AE, struct.pack("<HH", 0, 9) + b"\0cmd\x03/c a"), Harm.DATA_LINK),
        ((0x2F, bytes(6)), Harm.PASSWORD),
    ],
)
def test_an_embedded_book_with_macro_sheets_or_data_of_programs_is_refused(record, harm):
    for name in ("Workbook", "Book"):
        book = sheets((0x809, bytes(16)), (0x85, struct.pack("<LBB", 0, 0, 0) + b"\x05\0Sheet"), record)
        assert refusal(with_object({name: book}, clsid("00020820"))) == said(harm)
    usual = sheets((0x1AE, struct.pack("<HH", 0, 0x3A01)), (0x1AE, struct.pack("<HH", 3, 0x0401)))
    assert inspected("resume.doc", with_object({"Workbook": usual}, clsid("00020820"))) == PASTED


def test_a_book_whose_list_does_not_end_is_marked():
    endless = with_object({"Workbook": struct.pack("<HH", 1, 0) * 60_000}, clsid("00020820"))
    assert inspected("resume.doc", endless) == {Flag.UNREAD, Flag.EMBEDDED}


XLSX = container({"[Content_Types].xml": b"<Types/>", "xl/workbook.xml": b"<workbook/>"})


def link(kind: str, target: str, mode: str = "External") -> bytes:
    inner = f'<Relationship Id="r" Type="{RELS}/{kind}" Target="{target}" TargetMode="{mode}"/>'
    return (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f"{inner}</Relationships>"
    ).encode()


@pytest.mark.parametrize(
    ("more", "harm"),
    [
        ({"xl/vbaProject.bin": b"x"}, Harm.MACROS),
        ({"xl/macrosheets/sheet1.xml": b"x"}, Harm.MACROS),
        ({"xl/activeX/activeX1.xml": b"x"}, Harm.CONTROL),
        ({"xl/externalLinks/externalLink1.xml": b"x"}, Harm.DATA_LINK),
        ({"xl/embeddings/oleObject1.bin": b"x"}, Harm.PACKED_FILE),
        ({"word/webextensions/a.xml": b"x"}, Harm.ADD_IN),
        ({"xl/a.exe": b"x"}, Harm.PROGRAM),
        ({"xl/_rels/a.rels": link("oleObject", "https://example.com/a")}, Harm.DATA_LINK),
        ({"xl/_rels/a.rels": link("image", "file://server/a")}, Harm.OTHER_MACHINE),
        ({"xl/_rels/a.rels": link("hyperlink", "file://server/a")}, Harm.LINK_TO_MACHINE),
    ],
)
def test_a_package_within_an_object_is_looked_into(more, harm):
    of = clsid("00020830")
    assert inspected("resume.doc", with_object({"Package": XLSX}, of)) == PASTED
    web = repacked(XLSX, **{"xl/_rels/a.rels": link("hyperlink", "https://example.com")})
    assert inspected("resume.doc", with_object({"Package": web}, of)) == PASTED
    assert refusal(with_object({"Package": repacked(XLSX, **more)}, of)) == said(harm)
    assert refusal(with_object({"Package": XLSX[:-30]}, of)) == DAMAGED


def test_packages_unpack_to_no_more_than_one_document_may():
    dense = container(
        {f"{number}.rels": b"<a>" + b" " * 1_000_000 + b"</a>" for number in range(9)}, method=8
    )
    objects = {f"ObjectPool/_{number}/Package": dense for number in range(2)}
    kinds = {f"ObjectPool/_{number}": clsid("00020830") for number in range(2)}
    assert refusal(word("Jane", more=objects, classes=kinds)) == TOO_MUCH


def test_macros_with_code_are_refused_and_an_empty_project_is_kept():
    empty = macro_project({"ThisDocument": HEADER}, at="Macros/")
    assert inspected("resume.doc", word("Jane", more=empty)) == frozenset()
    full = macro_project({"ThisDocument": HEADER + "Sub AutoOpen()\r\nEnd Sub\r\n"}, at="Macros/")
    assert refusal(word("Jane", more=full)) == said(Harm.MACROS)
    inner = macro_project({"ThisWorkbook": "Sub a()\r\nEnd Sub\r\n"}, at="ObjectPool/_1/_VBA_PROJECT_CUR/")
    assert refusal(word("Jane", more=inner, classes={"ObjectPool/_1": clsid("00020820")})) == said(
        Harm.MACROS
    )


@pytest.mark.parametrize("name", ["Macros", "VBA", "_VBA_PROJECT", "_VBA_PROJECT_CUR", "MACROS"])
def test_what_is_named_as_macros_are_and_is_no_project_is_refused(name):
    assert refusal(word("Jane", more={name: b"x"})) == said(Harm.MACROS)
    assert refusal(word("Jane", more={f"{name}/x": b"x"})) == said(Harm.MACROS)
    assert refusal(word("Jane", more={f"ObjectPool/{name}/x": b"x"})) == said(Harm.MACROS)


def hidden(content: bytes, name: str) -> bytes:
    """The document with everything but its text in no storage."""
    listed = content.index("ObjectPool".encode("utf-16-le") + b"\0\0")
    changed = bytearray(content)
    struct.pack_into("<L", changed, listed + 76, 0xFFFFFFFF)
    assert name.encode("utf-16-le") in changed
    return bytes(changed)


@pytest.mark.parametrize(
    ("name", "harm"),
    [
        ("Macros", Harm.MACROS),
        ("\x01Ole10Native", Harm.PACKED_FILE),
        ("Package", Harm.PACKED_FILE),
        ("Equation Native", Harm.EQUATION),
    ],
)
def test_what_no_storage_lists_is_refused_by_its_name(name, harm):
    content = word("Jane", more={f"ObjectPool/_1/{name}": BITMAP})
    assert refusal(hidden(content, name)) == said(harm)


def test_the_text_of_a_document_within_is_read_too():
    folder = "ObjectPool/_1/"
    for text, refused in ((field("DDE a"), True), (field("PAGE"), False)):
        inner = w.text_streams(text, folder=folder)
        content = word("Jane", more=inner, classes={"ObjectPool/_1": clsid("00020906")})
        if refused:
            assert refusal(content) == said(Harm.DATA_LINK)
        else:
            assert inspected("resume.doc", content) == PASTED
    old = {f"{folder}WordDocument": struct.pack("<H", 0xA5DC).ljust(100, b"\0")}
    assert (
        inspected("resume.doc", word("Jane", more=old, classes={"ObjectPool/_1": clsid("00020900")}))
        == PASTED
    )
    template = w.text_streams("Jane", tables={w.NAMES: names("", "\\\\server\\a.dot")}, folder=folder)
    assert refusal(word("Jane", more=template)) == said(Harm.TEMPLATE)


def test_many_documents_within_cost_no_more_than_one():
    inner: dict[str, bytes] = {}
    for number in range(40):
        inner |= w.text_streams(field("HYPERLINK a") * 1000, folder=f"ObjectPool/_{number}/")
    assert refusal(word("Jane", more=inner)) == TOO_MUCH


def test_an_empty_place_for_objects_is_nothing():
    assert inspected("resume.doc", word("Jane", more={"ObjectPool/x": b"x"}, classes={})) != frozenset()
    streams = w.text_streams("Jane") | {"ObjectPool": b""}
    assert inspected("resume.doc", compound(streams)) == frozenset()
