"""Content decides; a name is mended where it says nothing, and has to agree where it does."""

from __future__ import annotations

import pytest

from leadintake.documents.inspection.findings import Refused
from leadintake.documents.names import Name
from tests.support.files import container, entries_of, judged, real

KINDS_TAKEN = "Please send your resume as PDF, DOC, DOCX, ODT, RTF or TXT"


@pytest.mark.parametrize(
    "name", ["RESUME.PDF", "My Résumé.final.v2.Pdf", "履歴書.pdf", "  resume.pdf  ", "resume.pdf.pdf"]
)
def test_an_ending_may_be_written_in_any_way_after_any_name(name):
    assert judged(name, real("resume.pdf")).filename == name.strip()


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("resume", "resume.pdf"),
        ("resume.", "resume.pdf"),
        ("resume...", "resume.pdf"),
        ("resume. ", "resume.pdf"),
        ("履歴書", "履歴書.pdf"),
        ("Lebenslauf Jörg M.", "Lebenslauf Jörg M.pdf"),
        ("resume (1)", "resume (1).pdf"),
        ("resume v1.2", "resume v1.2.pdf"),
        ("resume.v2", "resume.v2.pdf"),
        ("CV 2024.10", "CV 2024.10.pdf"),
        ("J.Smith", "J.Smith.pdf"),
        ("A. B. Lee", "A. B. Lee.pdf"),
        ("resume.final version", "resume.final version.pdf"),
        (".pdf", "resume.pdf"),
        ("pdf", "pdf.pdf"),
        ("resume.pdf.", "resume.pdf"),
        ("resume.pdf . ", "resume.pdf"),
        ("resume.pdf\u200b", "resume.pdf"),
        ("resume.pdf\u3000", "resume.pdf"),
        ("resume.PDF_", "resume.PDF"),
        ("resume.pdf (1)", "resume (1).pdf"),
        ("resume.pdf (12).", "resume (12).pdf"),
        ("resume.pdf(2)", "resume(2).pdf"),
        ("resume.pdf-1", "resume-1.pdf"),
        ("resume.pdf.1", "resume.1.pdf"),
        ("C:\\papers\\resume", "resume.pdf"),
        ("../../etc/passwd", "passwd.pdf"),
        ("x" * 400, "x" * 251 + ".pdf"),
        ("x" * 254 + ".", "x" * 251 + ".pdf"),
    ],
)
def test_the_ending_of_a_pdf_is_added_or_mended(sent, kept):
    assert judged(sent, real("resume.pdf")).filename == kept


@pytest.mark.parametrize(
    "name",
    [
        "resume.pdf.exe",
        "resume.docm",
        "resume.jpg",
        "resume.HTML",
        "resume.pages",
        "resume.7z",
        "resume.pdf.lnk",
        "resume.exe.",
        "resume.exe ",
        "resume.exe\u200b",
        "resume.pdf\x00.exe",
        "evil\u202efdp.exe",
        "",
        "..",
        "/",
        "\u200b",
    ],
)
def test_the_name_of_another_kind_of_file_is_refused_with_those_that_are_taken(name):
    with pytest.raises(Refused, match=KINDS_TAKEN):
        judged(name, real("resume.pdf"))


@pytest.mark.parametrize(
    ("content", "ending", "content_type"),
    [
        ("resume.rtf", ".rtf", "application/rtf"),
        (
            "resume.docx",
            ".docx",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ),
    ],
)
def test_what_word_opens_as_a_doc_is_kept_under_its_true_ending(content, ending, content_type):
    for sent, stem in {"x.doc": "x", "x.DOC": "x", "x.doc.": "x", "x.doc (1)": "x (1)"}.items():
        taken = judged(sent, real(content))
        assert (taken.filename, taken.kind.content_type) == (stem + ending, content_type)


def test_a_doc_in_disguise_is_looked_into_as_what_it_is():
    macros = container(entries_of(real("resume.docx")) | {"word/vbaProject.bin": b"x"})
    with pytest.raises(Refused, match="macros"):
        judged("resume.doc", macros)


@pytest.mark.parametrize("name", ["resume.pdf", "resume.odt", "resume.txt", "resume.doc"])
def test_only_a_pdf_may_go_without_an_ending_and_the_others_are_told_theirs(name):
    ending = name[-4:]
    if ending == ".pdf":
        assert judged("resume", real(name)).filename == "resume.pdf"
        return
    content = real("utf-8.txt") if ending == ".txt" else real(name)
    with pytest.raises(Refused, match=f"Please add {ending} to its name"):
        judged("resume", content)


def test_without_an_ending_what_is_nothing_we_take_is_told_what_is():
    with pytest.raises(Refused, match=KINDS_TAKEN):
        judged("resume", b"MZ\x90\0" + bytes(1000))


def test_other_kinds_keep_the_number_of_their_copy():
    assert judged("resume.docx (1)", real("resume.docx")).filename == "resume (1).docx"


def test_every_name_there_is_has_a_bound_and_one_ending():
    for name in ("a" * 300 + ".docx (1)", "." * 300, "(1)" * 100 + ".pdf", "\u0301" * 300, ".pdf" * 80):
        kept = Name.of(name).replace_ending(".docx")
        assert len(kept) <= 255
        assert kept.endswith(".docx")
