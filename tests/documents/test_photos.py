"""Photographs as resumes: taken where the firm wants them, for what they are, and nothing beside them."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import PurePosixPath

import pytest

from leadintake.documents import verdict
from leadintake.documents.inspection import detection, jpeg, png
from leadintake.documents.inspection.findings import Flag, Refused
from leadintake.documents.inspection.photos import MAX_PIXELS, MAX_SIDE
from tests.support.files import EXTENSIONS, PHOTOS, TEN_MB, container, real

JPEG, PNG = real("photo.jpg"), real("photo.png")
ZIP = container({"evil.txt": b"x"})
HTML = b"<html><script>alert(1)</script></html>"
FILM = b"\0\0\0\x18ftypmp42" + bytes(range(1, 200))
HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100)
BODY = {"jpg": JPEG, "png": PNG}


def judged(name: str, content: bytes, *, photos: bool = True) -> verdict.Verdict:
    stream = io.BytesIO(content)
    return verdict.judge(name, stream, most_bytes=TEN_MB, inspect=detection.inspect, photos=photos)


def refusal(name: str, content: bytes, *, photos: bool = True) -> str:
    with pytest.raises(Refused) as refused:
        judged(name, content, photos=photos)
    return str(refused.value)


def segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def frame(width: int, height: int, marker: int = 0xC0) -> bytes:
    return segment(marker, struct.pack(">BHHB", 8, height, width, 1) + b"\1\x11\0")


SCAN = segment(0xDA, b"\1\1\0\0\x3f\0") + b"\x12\xff\0\x34"


def jpeg_of(*parts: bytes) -> bytes:
    return b"\xff\xd8" + b"".join(parts) + b"\xff\xd9"


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png_of(*chunks: bytes, width: int = 2, height: int = 2, depth: int = 8, colour: int = 2) -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return png.SIGNATURE + head + b"".join(chunks)


DATA, END = chunk(b"IDAT", b"x"), chunk(b"IEND", b"")


@pytest.mark.parametrize("name", PHOTOS)
def test_a_real_photo_is_taken_for_what_it_is_without_a_warning(name):
    found = judged(name, real(name))
    assert found.kind.extension == PurePosixPath(name).suffix
    assert (found.filename, found.flags) == (name, frozenset())


@pytest.mark.parametrize("name", ["IMG_0815.JPEG", "scan.jpeg", "photo (1).jpg"])
def test_a_jpeg_keeps_the_name_that_the_telephone_gave_it(name):
    assert judged(name, JPEG).filename == name


@pytest.mark.parametrize("name", PHOTOS)
def test_without_the_setting_it_is_refused_with_the_kinds_that_are_taken(name):
    sentence = "Please send your resume as PDF, DOC, DOCX, ODT, RTF or TXT."
    assert refusal(name, real(name), photos=False) == sentence
    assert refusal("photo", real(name), photos=False) == sentence


def test_the_setting_changes_nothing_for_documents():
    assert judged("resume.pdf", real("resume.pdf")).kind.extension == ".pdf"
    assert refusal("resume.exe", b"x") == (
        "Please send your resume as PDF, DOC, DOCX, ODT, RTF or TXT, or as a photo (JPEG or PNG)."
    )


@pytest.mark.parametrize("extension", [*EXTENSIONS, ".png"])
def test_a_photo_under_another_name_is_told_what_it_is(extension):
    assert f"This file says {extension} but is a JPEG photo." in refusal(f"resume{extension}", JPEG)


@pytest.mark.parametrize("name", ["resume.pdf", "resume.docx", "utf-8.txt"])
def test_a_document_under_a_photo_s_name_is_refused(name):
    assert refusal("photo.jpg", real(name)).startswith("This file says .jpg but is ")


def test_what_only_says_that_it_is_a_photo_is_to_be_taken_again():
    assert refusal("photo.jpg", b"\0\1\2") == (
        "This file says .jpg but is something else, or it is damaged. "
        "Please take the photo again and send the new one."
    )


@pytest.mark.parametrize("name", ["IMG_0815.HEIC", "photo.heif", "photo.jpg", "resume.pdf"])
def test_a_heic_photo_is_told_the_way_on_an_iphone(name):
    assert "On an iPhone or iPad choose it from the photo library" in refusal(name, HEIC)


@pytest.mark.parametrize("name", ["IMG_0815.HEIC", "resume.pdf"])
def test_without_the_setting_the_way_is_a_pdf(name):
    sentence = refusal(name, HEIC, photos=False)
    assert sentence.startswith("We cannot open HEIC photos. On an iPhone or iPad make a PDF of it: tap Share")


@pytest.mark.parametrize("rest", [ZIP, HTML, real("resume.pdf"), b"MZ" + bytes(60), FILM + ZIP, FILM + HTML])
@pytest.mark.parametrize("kind", BODY)
def test_a_file_behind_a_photo_s_end_is_refused(kind, rest):
    sentence = refusal(f"photo.{kind}", BODY[kind] + rest)
    assert "another file behind its end" in sentence or "but is" in sentence


@pytest.mark.parametrize("rest", [FILM, b"notes of a telephone SEFT"])
def test_a_telephone_s_film_behind_it_is_warned_of(rest):
    assert judged("photo.jpg", JPEG + rest).flags == {Flag.EMBEDDED}


@pytest.mark.parametrize("rest", [bytes(3000), JPEG, bytes(7) + JPEG + JPEG])
def test_padding_and_the_smaller_pictures_of_a_telephone_are_nothing_to_be_warned_of(rest):
    assert judged("photo.jpg", JPEG + rest).flags == frozenset()


def test_a_broken_picture_behind_the_first_is_refused():
    assert "damaged" in refusal("photo.jpg", JPEG + JPEG[:-40])


@pytest.mark.parametrize("kind", BODY)
def test_a_photo_that_was_cut_off_is_damaged_wherever_that_was(kind):
    content = BODY[kind]
    for length in range(20, len(content) - 1, 97):
        assert "damaged" in refusal(f"photo.{kind}", content[:length])


def test_a_changed_octet_of_a_png_is_noticed():
    assert "damaged" in refusal("photo.png", PNG[:200] + bytes([PNG[200] ^ 1]) + PNG[201:])


@pytest.mark.parametrize(
    "content",
    [
        jpeg_of(frame(8, 8)),
        jpeg_of(SCAN),
        jpeg_of(frame(8, 8), SCAN)[:-2],
        jpeg_of(frame(8, 8), b"\xff\xe0\0\1", SCAN),
        jpeg_of(frame(8, 8), b"no marker", SCAN),
        png_of(END),
        png_of(DATA),
        png_of(DATA, chunk(b"IEND", b"x")),
        png_of(DATA, chunk(b"I\0ND", b"")),
    ],
)
def test_a_photo_without_what_it_needs_is_damaged(content):
    assert "This photo is damaged" in refusal("photo.jpg" if content[0] == 0xFF else "photo.png", content)


@pytest.mark.parametrize(
    "content",
    [
        jpeg_of(frame(8, 8), frame(8, 8), SCAN),
        jpeg_of(frame(8, 8, 0xC3), SCAN),
        jpeg_of(frame(0, 8), SCAN),
        jpeg_of(frame(8, 8), *[SCAN] * (jpeg.MAX_SCANS + 1)),
        jpeg_of(frame(8, 8), *[segment(0xE1, b"")] * jpeg.MAX_SEGMENTS, SCAN),
        png_of(chunk(b"EVIL", b""), DATA, END),
        png_of(chunk(b"IHDR", bytes(13)), DATA, END),
        png_of(DATA, END, depth=3),
        png_of(DATA, END, colour=5),
        png_of(DATA, END, width=0),
        png_of(*[chunk(b"tEXt", b"")] * png.MAX_CHUNKS, DATA, END),
    ],
)
def test_a_photo_that_no_camera_makes_is_refused(content):
    assert "unusual way" in refusal("photo.jpg" if content[0] == 0xFF else "photo.png", content)


@pytest.mark.parametrize(("width", "height"), [(MAX_SIDE + 1, 1), (20_000, MAX_PIXELS // 20_000 + 1)])
def test_a_photo_with_more_points_than_a_browser_can_show_is_refused(width, height):
    assert "too large to be shown" in refusal("photo.jpg", jpeg_of(frame(width, height), SCAN))
    assert "too large to be shown" in refusal("photo.png", png_of(DATA, END, width=width, height=height))


def test_the_largest_photo_is_taken():
    assert judged("photo.jpg", jpeg_of(frame(MAX_SIDE, MAX_PIXELS // MAX_SIDE), SCAN))
    assert judged("photo.png", png_of(DATA, END, width=MAX_SIDE, height=MAX_PIXELS // MAX_SIDE))
