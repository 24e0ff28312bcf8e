"""What word processors write is taken for what it is, and only under its own extension."""

from __future__ import annotations

import hashlib
import io
from pathlib import PurePosixPath

import pytest

from leadintake.documents import verdict
from leadintake.documents.inspection import detection
from leadintake.documents.inspection.findings import Flag, Refused
from leadintake.documents.models import Document
from tests.support.files import EXTENSIONS, FOLDER, MARKED, PHOTOS, REAL, REFUSED, TEN_MB, judged, real

TYPES = {
    ".pdf": "application/pdf",
    ".doc": "application/msword",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".odt": "application/vnd.oasis.opendocument.text",
    ".rtf": "application/rtf",
    ".txt": "text/plain",
}


@pytest.mark.parametrize("name", REAL)
def test_a_real_file_is_taken_and_measured(name):
    content = real(name)
    found = judged(name, content)
    assert found.kind.content_type == TYPES[found.kind.extension]
    assert found.kind.extension == PurePosixPath(name).suffix
    assert (found.filename, found.size) == (name, len(content))
    assert found.sha256 == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("name", REAL)
def test_a_real_file_is_nothing_to_be_warned_of(name):
    assert judged(name, real(name)).flags == frozenset()


@pytest.mark.parametrize(("name", "flag"), MARKED.items())
def test_a_real_file_with_more_in_it_than_words_is_taken_and_marked(name, flag):
    assert judged(name, real(name)).flags == {flag}


@pytest.mark.parametrize("name", REAL)
def test_a_real_file_under_another_extension_is_refused_with_advice(name):
    content, own = real(name), PurePosixPath(name).suffix
    for other in EXTENSIONS:
        if other == own or (other == ".doc" and own in {".docx", ".rtf"}):
            continue
        with pytest.raises(Refused) as refused:
            judged(f"resume{other}", content)
        sentence = str(refused.value)
        assert sentence.startswith(f"This file says {other} but is ")
        assert sentence.endswith(f"Please save it as {other[1:].upper()} and try again.")


def test_a_path_in_the_name_is_forgotten():
    for path in ("C:\\Users\\jane\\resume.pdf", "../../etc/resume.pdf", "/resume.pdf"):
        assert judged(path, real("resume.pdf")).filename == "resume.pdf"


def test_an_empty_file_is_refused_whatever_its_name():
    for extension in (*EXTENSIONS, ".exe"):
        with pytest.raises(Refused, match="empty"):
            judged(f"resume{extension}", b"")


def test_the_limit_is_the_last_size_taken():
    content = real("resume.pdf")
    assert judged("resume.pdf", content, most_bytes=len(content)).size == len(content)
    with pytest.raises(verdict.TooLarge, match="larger than 10 KB"):
        judged("resume.pdf", content, most_bytes=len(content) - 1)
    with pytest.raises(verdict.TooLarge, match="larger than 10 MB"):
        judged("resume.exe", bytes(TEN_MB + 1))


def test_the_stream_is_left_at_its_start_for_whoever_keeps_it():
    for name in REAL:
        stream = io.BytesIO(real(name))
        stream.read(7)
        verdict.judge(name, stream, most_bytes=TEN_MB, inspect=detection.inspect)
        assert stream.tell() == 0


def test_every_flag_at_once_fits_into_its_column():
    column = Document.__table__.c.flags.type
    assert len(",".join(Flag)) <= column.length


def test_the_collection_stays_small():
    assert {path.name for path in FOLDER.iterdir()} == {*REAL, *MARKED, *PHOTOS, *REFUSED, "README.md"}
    assert all(path.stat().st_size < 30_000 for path in FOLDER.iterdir())
