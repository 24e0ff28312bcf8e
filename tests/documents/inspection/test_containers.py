"""Containers that say one thing and hold another, hold too much, or hold what no document holds."""

from __future__ import annotations

import io
import os
import stat
import struct
import time
import tracemalloc
import zipfile
import zlib

import pytest
from hypothesis import given as given_that
from hypothesis import strategies as st

from leadintake.documents.inspection.budget import Budget
from leadintake.documents.inspection.container import Container
from leadintake.documents.inspection.findings import Flag, Refused
from leadintake.documents.inspection.unpacking import CHUNK
from tests.documents.inspection.examples import examples
from tests.documents.inspection.files import container, entries_of, inspected, real, repacked

pytestmark = pytest.mark.no_cover  # what is counted costs several times as much, and others count these lines

DOCX = real("resume.docx")
MB = 1024 * 1024
LIST_MAGIC, END_MAGIC = b"PK\x01\x02", b"PK\x05\x06"


def deflated(**more: bytes) -> bytes:
    """The genuine DOCX with more entries, deflated."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (entries_of(DOCX) | more).items():
            archive.writestr(name, content)
    return packed.getvalue()


def patched(content: bytes, magic: bytes, offset: int, layout: str, value: int) -> bytes:
    """The container with another number in the last of its headers that begin with this magic."""
    changed = bytearray(content)
    struct.pack_into(layout, changed, content.rindex(magic) + offset, value)
    return bytes(changed)


def listed(content: bytes, offset: int, layout: str, value: int) -> bytes:
    return patched(content, LIST_MAGIC, offset, layout, value)


def with_entry(info: zipfile.ZipInfo, content: bytes = b"x") -> bytes:
    packed = io.BytesIO(DOCX)
    with zipfile.ZipFile(packed, "a") as archive:
        archive.writestr(info, content)
    return packed.getvalue()


def moved(content: bytes, at: int, more: bytes) -> bytes:
    """The container with more bytes at a place before its list, and offsets that allow for them."""
    changed = bytearray(content)
    end = content.rindex(END_MAGIC)
    start = struct.unpack_from("<L", content, end + 16)[0]
    struct.pack_into("<L", changed, end + 16, start + len(more))
    while content.startswith(LIST_MAGIC, start):
        header, (name, extra, comment) = (
            struct.unpack_from("<L", content, start + 42)[0],
            struct.unpack_from("<3H", content, start + 28),
        )
        struct.pack_into("<L", changed, start + 42, header + len(more) * (header >= at))
        start += 46 + name + extra + comment
    return bytes(changed[:at] + more + changed[at:])


def swallowed() -> bytes:
    """A container in which one entry's bytes are another entry."""
    inner = container({"inner.bin": b"x" * 50})
    inner = inner[: inner.index(LIST_MAGIC)]
    whole = repacked(DOCX, **{"outer.bin": inner, "inner.bin": b"x" * 50})
    return listed(whole, 42, "<L", whole.index(b"outer.bin" + inner) + len("outer.bin"))


def deflated_as(squeezed: bytes, content: bytes) -> bytes:
    """The genuine DOCX with an entry of these deflated bytes, which are said to hold this content."""
    whole = repacked(DOCX, **{"word/media/x.bin": squeezed})
    for magic, method in ((b"PK\x03\x04", 8), (LIST_MAGIC, 10)):
        whole = patched(whole, magic, method, "<H", zipfile.ZIP_DEFLATED)
        whole = patched(whole, magic, method + 6, "<L", zlib.crc32(content))
        whole = patched(whole, magic, method + 14, "<L", len(content))
    return whole


def refused(content: bytes, sentence: str = "damaged", name: str = "resume.docx") -> None:
    with pytest.raises(Refused, match=sentence):
        inspected(name, content)


def test_a_container_of_another_writer_is_taken():
    for content in (deflated(), container(entries_of(DOCX)), deflated(**{"word/media/empty.png": b""})):
        assert inspected("resume.docx", content) == frozenset()


def test_sizes_told_after_the_bytes_are_taken():
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def tell(self) -> int:
            raise OSError

    packed = Pipe()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries_of(DOCX).items():
            archive.writestr(name, content)
    assert inspected("resume.docx", packed.getvalue()) == frozenset() == frozenset()


def test_sizes_of_64_bits_in_an_entrys_own_header_are_taken():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries_of(DOCX).items():
            with archive.open(name, "w", force_zip64=True) as entry:
                entry.write(content)
    assert inspected("resume.docx", packed.getvalue()) == frozenset() == frozenset()


class WithEnd64(zipfile.ZipFile):
    """Writes the record for large containers although this is none, as tools do that stream."""

    def _write_end_record(self) -> None:
        listed = self.fp.tell()
        for info in self.filelist:
            info.extra = struct.pack("<HHQQQ", 1, 24, info.file_size, info.compress_size, info.header_offset)
            name, flags = info._encodeFilenameFlags()
            self.fp.write(
                struct.pack(
                    "<4s4B4HLLL5HLL",
                    LIST_MAGIC,
                    45,
                    3,
                    45,
                    0,
                    flags,
                    info.compress_type,
                    0,
                    33,
                    info.CRC,
                    2**32 - 1,
                    2**32 - 1,
                    len(name),
                    len(info.extra),
                    0,
                    0,
                    0,
                    0,
                    2**32 - 1,
                )
                + name
                + info.extra
            )
        size, count = self.fp.tell() - listed, len(self.filelist)
        end = self.fp.tell()
        self.fp.write(struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, listed))
        self.fp.write(struct.pack("<4sLQL", b"PK\x06\x07", 0, end, 1))
        self.fp.write(struct.pack("<4s4H2LH", END_MAGIC, 0, 0, 2**16 - 1, 2**16 - 1, 2**32 - 1, 2**32 - 1, 0))


def with_end_64() -> bytes:
    packed = io.BytesIO()
    with WithEnd64(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries_of(DOCX).items():
            archive.writestr(name, content)
    return packed.getvalue()


def test_a_container_that_ends_as_large_ones_do_is_taken():
    whole = with_end_64()
    assert entries_of(whole) == entries_of(DOCX)
    assert inspected("resume.docx", whole) == frozenset()
    count = len(entries_of(DOCX))
    told = patched(patched(whole, END_MAGIC, 8, "<H", count), END_MAGIC, 10, "<H", count)
    assert inspected("resume.docx", told) == frozenset()


@pytest.mark.parametrize(
    ("magic", "offset", "layout", "value"),
    [
        (b"PK\x06\x07", 4, "<L", 1),
        (b"PK\x06\x07", 8, "<Q", 0),
        (b"PK\x06\x07", 16, "<L", 2),
        (b"PK\x06\x06", 0, "<L", 0),
        (b"PK\x06\x06", 4, "<Q", 45),
        (b"PK\x06\x06", 16, "<L", 1),
        (b"PK\x06\x06", 20, "<L", 1),
        (b"PK\x06\x06", 24, "<Q", 1),
        (b"PK\x06\x06", 32, "<Q", 1),
        (b"PK\x06\x06", 40, "<Q", 2**40),
        (b"PK\x06\x06", 48, "<Q", 2**63),
        (END_MAGIC, 8, "<H", 3),
        (END_MAGIC, 12, "<L", 3),
        (END_MAGIC, 16, "<L", 0),
    ],
)
def test_two_ends_that_contradict_each_other_are_refused(magic, offset, layout, value):
    refused(patched(with_end_64(), magic, offset, layout, value))


@pytest.mark.parametrize(
    "extra", [b"", b"\x01\0\x08\0" + bytes(8), b"\x02\0\x08\0" + bytes(8), b"\x01\0\x18\0"]
)
def test_an_entry_whose_sizes_are_told_nowhere_or_twice_is_refused(extra):
    whole = container({"a": b"x"})
    listed_at = whole.index(LIST_MAGIC)
    entry = bytearray(whole[listed_at : whole.index(END_MAGIC)])
    struct.pack_into("<2L", entry, 20, 2**32 - 1, 2**32 - 1)
    struct.pack_into("<H", entry, 30, len(extra))
    end = struct.pack("<4s4H2LH", END_MAGIC, 0, 0, 1, 1, len(entry) + len(extra), listed_at, 0)
    with pytest.raises(Refused):
        Container.of(io.BytesIO(whole[:listed_at] + bytes(entry) + extra + end), Budget())


def test_a_comment_at_the_end_is_taken():
    packed = io.BytesIO(DOCX)
    with zipfile.ZipFile(packed, "a") as archive:
        archive.comment = b"saved by Jane Doe"
    assert inspected("resume.docx", packed.getvalue()) == frozenset() == frozenset()


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "C:/boot.ini",
        "c:boot.ini",
        "..",
        "../resume.txt",
        "word/../../resume.txt",
        "word/./x",
        "word\\x",
        "word/\x07x",
        "word/\u202ex",
    ],
)
def test_a_name_that_leads_out_of_the_container_is_refused(name):
    refused(repacked(DOCX, **{name: b"x"}))


def test_an_entry_without_a_name_is_refused():
    """The one letter of its name becomes the one byte of its extra field."""
    whole = repacked(DOCX, x=b"x")
    nameless = patched(patched(whole, b"PK\x03\x04", 26, "<L", 1 << 16), LIST_MAGIC, 28, "<L", 1 << 16)
    refused(nameless)


def test_a_name_with_a_null_is_refused():
    refused(repacked(DOCX, **{"word/a_b.txt": b"x"}).replace(b"word/a_b.txt", b"word/a\x00b.txt"))


def test_a_name_that_is_not_utf_8_although_it_says_so_is_refused():
    refused(repacked(DOCX, **{"wörd.txt": b"x"}).replace("ö".encode(), b"\xff\xff"))


@pytest.mark.parametrize("name", ["WORD/Styles.XML", "word/styles.xml/"])
def test_two_entries_of_one_name_are_refused(name):
    refused(repacked(DOCX, **{name: b""}))


def test_a_link_to_another_file_is_refused():
    link = zipfile.ZipInfo("word/link")
    link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    refused(with_entry(link, b"/etc/passwd"))


def test_a_folder_with_bytes_in_it_is_refused():
    refused(repacked(DOCX, **{"word/folder_": b"x"}).replace(b"word/folder_", b"word/folder/"))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_bytes_packed_in_an_unusual_way_are_refused(method):
    packed = zipfile.ZipInfo("word/x.txt")
    packed.compress_type = method
    refused(with_entry(packed))


@pytest.mark.parametrize("bit", [0, 6, 13])
def test_a_locked_entry_is_refused(bit):
    refused(listed(DOCX, 8, "<H", 0x808 | 1 << bit))


def test_an_entry_that_calls_itself_otherwise_than_the_list_does_is_refused():
    refused(DOCX.replace(b"word/styles.xml", b"word/macros.xml", 1))


@pytest.mark.parametrize(("offset", "layout"), [(8, "<H"), (14, "<L"), (18, "<L"), (22, "<L")])
def test_an_entry_that_describes_itself_otherwise_than_the_list_does_is_refused(offset, layout):
    whole = repacked(DOCX)
    assert inspected("resume.docx", whole) == frozenset()
    refused(patched(whole, b"PK\x03\x04", offset, layout, 8))


@pytest.mark.parametrize("behind", [b"x", b"\x00" * 30, DOCX])
def test_bytes_behind_the_end_are_refused(behind):
    refused(DOCX + behind)


def test_bytes_before_the_first_entry_are_refused_even_when_the_list_allows_for_them():
    assert inspected("resume.docx", moved(DOCX, 0, b"")) == frozenset()
    refused(moved(DOCX, 0, b"#!/bin/sh\nexit\n"))
    refused(moved(DOCX, 0, b"PK\x03\x04" + bytes(26)))


def test_bytes_between_two_entries_are_refused():
    whole = repacked(DOCX)
    hidden = container({"word/vbaProject.bin": b"x"})
    refused(moved(whole, whole.index(b"PK\x03\x04", 4), hidden[: hidden.index(LIST_MAGIC)]))
    refused(moved(whole, whole.index(LIST_MAGIC), b"between the last entry and the list"))


def test_entries_that_share_their_bytes_are_refused():
    refused(swallowed())
    whole = repacked(DOCX, **{"a.txt": b"x", "b.txt": b"x"})
    refused(listed(whole, 42, "<L", whole.index(b"PK\x03\x04", whole.index(b"a.txt") - 30)))


@pytest.mark.parametrize(
    ("offset", "value"), [(4, 1), (6, 1), (8, 3), (10, 3), (12, 46), (16, 0), (16, 2**32 - 1)]
)
def test_an_end_that_contradicts_the_list_is_refused(offset, value):
    refused(patched(DOCX, END_MAGIC, offset, "<L" if offset >= 12 else "<H", value))


def test_an_entry_whose_header_is_cut_by_the_end_is_refused():
    whole = container({"a": b"x" * 50, "b": b"y"})
    reach = len(whole) - 10
    for header in (whole.index(b"PK\x03\x04") + 18, whole.index(LIST_MAGIC) + 20):
        whole = bytearray(whole)
        struct.pack_into("<2L", whole, header, reach - 31, reach - 31)
    with pytest.raises(Refused):
        Container.of(io.BytesIO(listed(bytes(whole), 42, "<L", reach)), Budget())


def test_a_list_that_is_cut_or_goes_on_is_refused():
    whole = repacked(DOCX)
    refused(listed(whole, 0, "<L", 0))
    refused(listed(whole, 34, "<H", 1))
    for offset in (28, 30, 32):
        refused(listed(whole, offset, "<H", 2))
    count = len(entries_of(DOCX))
    for wrong in (count - 1, count + 1, 0):
        refused(patched(patched(whole, END_MAGIC, 8, "<H", wrong), END_MAGIC, 10, "<H", wrong))


def test_a_list_of_too_many_entries_is_refused():
    many = {f"word/media/{number}.txt": b"" for number in range(2001)}
    refused(repacked(DOCX, **many))


@pytest.mark.parametrize(("offset", "layout"), [(16, "<L"), (20, "<L"), (24, "<L")])
def test_a_checksum_or_size_that_is_not_true_is_refused(offset, layout):
    """The sizes come after the bytes here, so that only the list tells them."""
    refused(listed(DOCX, offset, layout, 1))


def test_deflated_bytes_that_stop_too_early_or_go_on_too_long_are_refused():
    content = b"Jane Doe " * 500
    squeezed = zlib.compress(content, wbits=-15)
    assert inspected("resume.docx", deflated_as(squeezed, content)) == frozenset() == frozenset()
    endless = zlib.compressobj(wbits=-15)
    never = endless.compress(content) + endless.flush(zlib.Z_SYNC_FLUSH)
    for wrong in (never, squeezed[:-3], squeezed + b"more", squeezed + squeezed, b"\xff" * 20, b"\x00"):
        refused(deflated_as(wrong, content))


def test_deflated_bytes_of_any_length_are_taken():
    """Deflate may hold some bytes back when all of its own are read."""
    for size in (1, 258, *range(2**16 - 300, 2**16 + 300, 23), *range(2**17 - 300, 2**17 + 300, 23)):
        content = bytes(size)
        assert (
            inspected("resume.docx", deflated_as(zlib.compress(content, 9, wbits=-15), content))
            == frozenset()
        )


def test_many_bytes_behind_the_deflated_ones_are_refused():
    content = b"Jane Doe " * 500
    squeezed = zlib.compress(content, wbits=-15)
    for more in (CHUNK - len(squeezed), CHUNK, 3 * CHUNK):
        refused(deflated_as(squeezed + bytes(more), content))
    filled = zlib.compressobj(0, wbits=-15)
    content = os.urandom(CHUNK - 10)
    squeezed = filled.compress(content) + filled.flush()
    padding = CHUNK - len(squeezed)
    content += os.urandom(padding)
    filled = zlib.compressobj(0, wbits=-15)
    squeezed = filled.compress(content) + filled.flush()
    assert len(squeezed) == CHUNK
    assert inspected("resume.docx", deflated_as(squeezed, content)) == frozenset()
    refused(deflated_as(squeezed + b"hidden", content))


def test_what_is_said_to_be_shorter_than_it_is_is_refused():
    """A reader that stops where the list says would see another file than one that reads on."""
    content = b"Jane Doe " * 500
    refused(deflated_as(zlib.compress(content, wbits=-15), content[:90]))


@pytest.mark.measures_cpu
@pytest.mark.parametrize("name", ["word/document.xml", "word/media/x.bin"])
def test_a_bomb_costs_neither_memory_nor_time(name):
    bomb = deflated(**{name: bytes(300 * MB)})
    assert len(bomb) < MB
    began = time.process_time()
    tracemalloc.start()
    try:
        refused(bomb, "far more than a resume needs|damaged")
        assert tracemalloc.get_traced_memory()[1] < 4 * MB
    finally:
        tracemalloc.stop()
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    "name",
    ["customXml/item1.xml", "word/_rels/styles.xml.rels", "word/media/1.bmp", "word/embeddings/1.bin", "x"],
)
def test_what_is_much_denser_than_anything_genuine_is_refused_unless_it_is_short(name):
    short = deflated(**{name: b"<a>" + b" " * (MB - 7) + b"</a>"})
    assert inspected("resume.docx", short) == frozenset()
    refused(deflated(**{name: b"<a>" + b" " * 2 * MB + b"</a>"}), "far more than a resume needs")


def test_a_large_picture_that_is_not_that_dense_is_taken():
    picture = b"".join(os.urandom(64) + bytes(8128) for _ in range(20 * 128))
    assert inspected("resume.docx", deflated(**{"word/media/1.bmp": picture})) == frozenset()


def test_a_bomb_of_many_parts_that_look_harmless_is_refused():
    block = os.urandom(16 * 1024) * (12 * MB // (16 * 1024))
    bomb = deflated(**{f"word/media/{number}.bin": block for number in range(5)})
    refused(bomb, "far more than a resume needs")
    assert inspected("resume.docx", deflated(**{"word/media/1.bin": block})) == frozenset() == frozenset()


def test_containers_within_share_one_budget_with_the_outer():
    block = os.urandom(16 * 1024) * (12 * MB // (16 * 1024))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/1.bin", block)
    inner = packed.getvalue()
    one = deflated(**{"word/embeddings/1.xlsx": inner})
    assert inspected("resume.docx", one) == {Flag.EMBEDDED}
    refused(
        deflated(**{f"word/embeddings/{number}.xlsx": inner for number in range(5)}),
        "far more than a resume needs",
    )
    many = container({f"{number}.txt": b"" for number in range(500)})
    refused(deflated(**{f"{number}.zip": many for number in range(5)}), "far more than a resume needs")


def test_a_container_within_is_marked_and_one_within_that_is_refused():
    inner = container({"xl/workbook.xml": b"<workbook/>"})
    assert inspected("resume.docx", repacked(DOCX, **{"word/embeddings/1.xlsx": inner})) == {Flag.EMBEDDED}
    deeper = repacked(DOCX, **{"word/embeddings/1.xlsx": container({"x.bin": inner})})
    refused(deeper, "carries other files inside")


def test_a_large_container_within_is_kept_on_disk_while_it_is_read():
    inner = container({"x.bin": os.urandom(8 * MB)})
    whole = repacked(DOCX, **{"word/embeddings/1.xlsx": inner})
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        found = inspected("resume.docx", whole)
        # The upload itself, and less than 3 MB more.
        assert tracemalloc.get_traced_memory()[1] - before < len(whole) + 3 * MB
    finally:
        tracemalloc.stop()
    assert found == {Flag.EMBEDDED}


def test_a_damaged_container_within_is_refused():
    refused(repacked(DOCX, **{"word/embeddings/1.xlsx": b"PK\x03\x04" + bytes(200)}))


@pytest.mark.parametrize(
    "head",
    [
        b"MZ\x90\x00",
        b"\x7fELF\x02",
        b"\xcf\xfa\xed\xfe",
        b"\xca\xfe\xba\xbe",
        b"#!/bin/sh\n",
        b"L\0\0\0\x01\x14\x02\0",
    ],
)
@pytest.mark.parametrize("name", ["word/media/image1.png", "word/styles.xml", "docProps/thumbnail"])
def test_a_program_inside_a_document_is_refused_whatever_its_name(head, name):
    for pack in (deflated, lambda **more: repacked(DOCX, **more)):
        refused(pack(**{name: head + bytes(100)}), "carries a program inside")


@pytest.mark.parametrize(
    "name",
    ["word/setup.exe", "run.JS", "a.vbs", "a.lnk", "a.hta", "word/embeddings/a.ps1", "a.scr .", "x/a.jar"],
)
def test_a_program_inside_a_document_is_refused_whatever_its_bytes(name):
    refused(repacked(DOCX, **{name: b"Jane Doe"}), "carries a program inside")


def test_a_program_in_a_container_within_is_refused():
    inner = container({"media/1.bin": b"MZ\x90\x00"})
    refused(repacked(DOCX, **{"word/embeddings/1.xlsx": inner}), "carries a program inside")


def test_a_program_behind_empty_blocks_is_refused():
    """Deflate may say nothing for a while, even between the first byte and the second."""

    def block(content: bytes, last: int = 0) -> bytes:
        return struct.pack("<BHH", last, len(content), 0xFFFF ^ len(content)) + content

    squeezed = block(b"M") + block(b"") * 20_000 + block(b"Z and so on", last=1)
    refused(deflated_as(squeezed, b"MZ and so on"), "carries a program inside")


LAUGHS = (
    b"<!DOCTYPE lolz ["
    + b"".join(
        b'<!ENTITY lol%d "%s">' % (level, b"&lol%d;" % (level - 1) * 10 if level else b"lol")
        for level in range(10)
    )
    + b"]><lolz>&lol9;</lolz>"
)


@pytest.mark.parametrize(
    "markup",
    [
        b"<!DOCTYPE x><x/>",
        b'<!DOCTYPE x SYSTEM "http://evil.example/x.dtd"><x/>',
        b'<!DOCTYPE x [<!ENTITY x SYSTEM "file:///etc/passwd">]><x>&x;</x>',
        LAUGHS,
        "<!DOCTYPE x><x/>".encode("utf-16"),
        b"<a>" * 300 + b"</a>" * 300,
        b"<a b='" + b"x" * 5 * MB + b"'/>",
    ],
)
@pytest.mark.parametrize("name", ["word/styles.xml", "customXml/item1.XML", "word/_rels/document.xml.rels"])
def test_markup_that_no_word_processor_writes_is_refused(markup, name):
    refused(repacked(DOCX, **{name: markup}), "content that word processors do not write")


@pytest.mark.parametrize(
    "markup",
    [
        b"Jane Doe",
        b"<a>",
        b"<a></b>",
        b"<a>&x;</a>",
        b"<a/><a/>",
        b"\x00",
        *(
            f"<?xml version='1.0' encoding='{name}'?><a/>".encode()
            for name in ("none", "zlib", "utf-7", "idna")
        ),
        b"<p:a/>",
        b"<a p:b=''/>",
        b"<a p:b='' xmlns:q='x'/>",
        b"<a xmlns:p='x'><p:b:c/></a>",
        b"<a xmlns:p:q='x'/>",
        b"<a xmlns:p='x'><p:/></a>",
        b"<:a/>",
        b"<a xmlns:='x'/>",
        b"<a xmlns:p=''/>",
        b"<a xmlns:p='x y'/>",
        b"<a xmlns:xml='x'/>",
        b"<a xmlns:xmlns='x'/>",
        b"<a xmlns:p='x' xmlns:q='x' p:b='' q:b=''/>",
        b"<a><b xmlns:p='x'/><p:c/></a>",
    ],
)
def test_markup_that_is_not_well_formed_is_damage(markup):
    refused(repacked(DOCX, **{"customXml/item1.xml": markup}))


@pytest.mark.parametrize(
    "markup",
    [
        "<a xml:lang='en' xmlnsx='' b='' xmlns='x'><b xmlns=''/><c/></a>",
        "<p:a xmlns:p='x' p:b='' b=''><p:c xmlns:p='y' p:b=''/><p:c/></p:a>",
        "<a xmlns:xml='http://www.w3.org/XML/1998/namespace'/>",
    ],
)
def test_markup_with_names_from_several_places_is_taken(markup):
    taken = repacked(DOCX, **{"customXml/item1.xml": markup.encode()})
    assert inspected("resume.docx", taken) == frozenset() == frozenset()


def test_an_empty_part_that_nobody_needs_is_taken():
    for name in ("customXml/item1.xml", "word/_rels/styles.xml.rels"):
        assert inspected("resume.docx", repacked(DOCX, **{name: b""})) == frozenset()


@pytest.mark.parametrize("name", ["[Content_Types].xml", "_rels/.rels", "word/document.xml"])
def test_an_empty_part_that_is_needed_is_damage(name):
    refused(repacked(DOCX, **{name: b""}))


ADDRESS = f"xmlns:p='{'u' * 1_000_000}'"


@pytest.mark.parametrize(
    "markup",
    [
        lambda: [f"<p:a {ADDRESS}>", *(f"<p:b{n}/>" for n in range(1000)), "</p:a>"],
        lambda: [f"<p:a {ADDRESS} ", *(f"p:b{n}='' " for n in range(1000)), "/>"],
        lambda: ["<a>", *(f"<b a{n}='' b{n}='' c{n}='' d{n}=''/>" for n in range(250_000)), "</a>"],
        lambda: ["<a>", *(f"<b{n}/>" for n in range(900_000)), "</a>"],
        lambda: ["<a ", *(f"b{n:x}='' " for n in range(350_000)), "/>"],
        lambda: ["<a>", *(f"<b{n}{'x' * 3000}/>" for n in range(9_000)), "</a>"],
    ],
    ids=["long address", "long address in one tag", "attributes", "elements", "one tag", "long names"],
)
def test_names_without_end_cost_no_memory(markup):
    """Whoever reads XML keeps each name it meets, and an address with each name."""
    bomb = deflated(**{"customXml/item1.xml": "".join(markup()).encode()})
    tracemalloc.start()  # which counts what expat asks for, too
    try:
        refused(bomb, "word processors do not write")
        assert tracemalloc.get_traced_memory()[1] < 30 * MB
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_markup_in_the_encodings_of_xml_is_taken(encoding):
    markup = "<a>Zoë</a>".encode(encoding)
    assert (
        inspected("resume.docx", repacked(DOCX, **{"customXml/item1.xml": markup}))
        == frozenset()
        == frozenset()
    )


@pytest.mark.measures_cpu
def test_more_elements_than_a_resume_has_are_refused_soon():
    def file_with(elements: int) -> bytes:
        return repacked(DOCX, **{"customXml/item1.xml": b"<a>" + b"<b/>" * elements + b"</a>"})

    began = time.process_time()
    assert inspected("resume.docx", file_with(100_000)) == frozenset() == frozenset()
    judging = time.process_time() - began
    began = time.process_time()
    refused(file_with(1_100_000), "far more than a resume needs")
    assert time.process_time() - began < 25 * judging  # eleven times as many


@pytest.mark.measures_cpu
def test_more_markup_than_a_resume_has_is_refused_soon():
    markup = b"<a>" + os.urandom(8 * 1024).hex().encode() * 384 + b"</a>"
    parts = {f"customXml/item{number}.xml": markup for number in range(2)}
    assert inspected("resume.docx", deflated(**parts)) == frozenset() == frozenset()
    parts["customXml/item3.xml"] = markup
    began = time.process_time()
    refused(deflated(**parts), "far more than a resume needs")
    assert time.process_time() - began < 10


@pytest.mark.measures_cpu
def test_a_long_tag_is_refused_before_it_costs_much():
    tag = b"<a " + b" ".join(b"a%d='%d'" % (number, number) for number in range(1_500_000)) + b"/>"
    began = time.process_time()
    refused(deflated(**{"customXml/item1.xml": tag}), "word processors do not write")
    assert time.process_time() - began < 10


@pytest.mark.parametrize(
    "name",
    [
        "illustrated.docx",
        "illustrated.odt",
        "illustrated.doc",
        "spreadsheet.docx",
        "spreadsheet.doc",
        "locked.docx",
    ],
)
@examples(80)
@given_that(data=st.data())
def test_a_damaged_document_is_taken_or_refused_but_never_a_failure(name, data):
    content = bytearray(real(name))
    for _ in range(data.draw(st.integers(1, 12))):
        part = data.draw(
            st.sampled_from([(0, 512), (max(0, len(content) - 1500), len(content)), (0, len(content))])
        )
        content[data.draw(st.integers(part[0], part[1] - 1))] = data.draw(st.integers(0, 255))
    length = data.draw(st.one_of(st.just(len(content)), st.integers(1, len(content))))
    try:
        found = inspected(name, bytes(content[:length]))
    except Refused:
        return
    assert found <= set(Flag)


@pytest.mark.parametrize("name", ["illustrated.docx", "illustrated.odt", "spreadsheet.docx"])
@examples(80)
@given_that(data=st.data())
def test_damage_below_the_checksum_is_taken_or_refused_but_never_a_failure(name, data):
    entries = entries_of(real(name))
    changed = data.draw(st.sampled_from([name for name in entries if entries[name] and name != "mimetype"]))
    content = bytearray(entries[changed])
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    entries[changed] = bytes(content)
    try:
        found = inspected(name, container(entries))
    except Refused:
        return
    assert found <= set(Flag)


@examples(200)
@given_that(end=st.binary(min_size=0, max_size=300))
def test_any_bytes_with_an_end_are_no_failure(end):
    stream = io.BytesIO(b"PK\x03\x04" + end + END_MAGIC + end)
    with pytest.raises(Refused):
        Container.of(stream, Budget())
