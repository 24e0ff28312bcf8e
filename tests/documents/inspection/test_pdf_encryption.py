"""A PDF that opens without a password is decrypted and judged like any other; what needs one is refused."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable

import pikepdf
import pytest
from hypothesis import given as given_that
from hypothesis import strategies as st

from leadintake.documents.inspection.findings import Flag, Refused
from leadintake.documents.inspection.pdf import ciphers, keys
from tests.documents.inspection.examples import examples
from tests.documents.inspection.pdfs import flags, packed, pdf, real

Encrypt = Callable[..., bytes]
WAYS = {
    "RC4 of 40 bits": {"R": 2, "aes": False, "metadata": False},
    "RC4 of 128 bits": {"R": 3, "aes": False, "metadata": False},
    "RC4 in a crypt filter": {"R": 4, "aes": False, "metadata": False},
    "AES of 128 bits": {"R": 4, "aes": True, "metadata": True},
    "AES of 128 bits, metadata in the clear": {"R": 4, "aes": True, "metadata": False},
    "AES of 256 bits as Acrobat 9": {"R": 5, "aes": True, "metadata": True},
    "AES of 256 bits": {"R": 6, "aes": True, "metadata": True},
    "AES of 256 bits, metadata in the clear": {"R": 6, "aes": True, "metadata": False},
}
PROGRAM = b"MZ\x90\x00" + bytes(2000)


def encrypted(
    way: dict[str, object],
    *,
    user: str = "",
    is_packed: bool = False,
    change: Callable[[pikepdf.Pdf], None] = bool,
) -> bytes:
    """`resume.pdf`, changed, encrypted by qpdf."""
    saved = io.BytesIO()
    with warnings.catch_warnings(), pikepdf.open(io.BytesIO(real("resume.pdf"))) as document:
        change(document)
        warnings.filterwarnings("ignore", "Encryption R=5 is deprecated")  # that is why it is tried
        document.save(
            saved,
            encryption=pikepdf.Encryption(owner="owner", user=user, **way),
            object_stream_mode=pikepdf.ObjectStreamMode.generate
            if is_packed
            else pikepdf.ObjectStreamMode.disable,
        )
    return saved.getvalue()


def _link_oddly(document: pikepdf.Pdf) -> None:
    document.Root.Odd = document.make_indirect(
        pikepdf.Dictionary(S=pikepdf.Name.URI, URI=pikepdf.String("ODD:thing"))
    )


def _link_to_machine(document: pikepdf.Pdf) -> None:
    document.Root.Odd = document.make_indirect(
        pikepdf.Dictionary(S=pikepdf.Name.GoToR, F=pikepdf.String("\\\\evil.example\\share\\a.pdf"))
    )


def _attach_program(document: pikepdf.Pdf) -> None:
    document.attachments["letter.txt"] = PROGRAM


def _attach_letter(document: pikepdf.Pdf) -> None:
    document.attachments["letter.txt"] = b"Dear Sirs"


@pytest.mark.parametrize("is_packed", [False, True], ids=["plain", "packed"])
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_what_opens_without_a_password_is_judged_like_any_other(way, is_packed):
    assert flags(encrypted(way, is_packed=is_packed)) == frozenset()
    assert flags(encrypted(way, is_packed=is_packed, change=_link_oddly)) == {Flag.UNUSUAL_LINK}
    assert flags(encrypted(way, is_packed=is_packed, change=_attach_letter)) == {Flag.EMBEDDED}


@pytest.mark.parametrize("is_packed", [False, True], ids=["plain", "packed"])
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_what_is_refused_is_refused_behind_an_empty_password_too(way, is_packed):
    with pytest.raises(Refused, match="opens a file of another computer"):
        flags(encrypted(way, is_packed=is_packed, change=_link_to_machine))
    with pytest.raises(Refused, match="carries one inside"):
        flags(encrypted(way, is_packed=is_packed, change=_attach_program))


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_what_needs_a_password_is_refused_with_advice(way):
    with pytest.raises(Refused, match=r"needs a password .* print it to a new PDF without one"):
        flags(encrypted(way, user="secret"))


def test_what_only_forbids_changes_is_nothing_to_be_warned_of():
    assert flags(real("restricted.pdf")) == frozenset()
    with pytest.raises(Refused, match="needs a password"):
        flags(real("locked.pdf"))


def _changed(content: bytes, old: bytes, new: bytes) -> bytes:
    changed = re.sub(old, new, content, count=1, flags=re.DOTALL)
    assert changed != content
    return changed


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (rb"/Filter /Standard", b"/Filter /Adobe.PubSec"),
        (rb"/V 4", b"/V 7"),
        (rb"/V 4", b"/V 3"),
        (rb"/R 4", b"/R 9"),
        (rb"/V 4", b""),
        (rb"/CFM /AESV2", b"/CFM /None"),
        (rb"/CFM /AESV2", b""),
        (rb"/StmF /StdCF", b"/StmF /Other"),
        (rb"/P -?\d+", b"/P 7"),
        (rb"/U <[0-9a-f]{64}>", b"/U <00>"),
        (rb"/U <[0-9a-f]{64}>", b"/U 7"),
    ],
)
def test_what_cannot_be_decrypted_is_refused_as_locked(old, new):
    content = encrypted(WAYS["AES of 128 bits"])
    with pytest.raises(Refused, match="needs a password"):
        flags(_changed(content, old, new))


def test_two_ways_to_decrypt_one_file_are_refused():
    content = encrypted(WAYS["RC4 of 128 bits"])
    dictionary = re.search(rb"/Encrypt (\d+ 0 R)", content)
    assert dictionary
    update = b"\ntrailer << /Root 1 0 R /Size 9 %b >>\nstartxref\n9\n%%%%EOF\n"
    assert flags(content + update % dictionary[0]) == frozenset()
    for other in (
        b"",
        b"/Encrypt << /Filter /Standard /V 1 /R 2 >>",
        b"/Encrypt 1 0 R",
        b"/Encrypt 9999 0 R",
        dictionary[0] + b"/ID [<00> <00>]",
        b"/Encrypt [ " + dictionary[1] + b" ]",
    ):
        with pytest.raises(Refused, match=r"unusual way|needs a password"):
            flags(content + update % other)


def test_an_object_without_a_number_cannot_be_decrypted():
    content = encrypted(WAYS["AES of 128 bits"], change=_link_oddly)
    assert flags(content) == {Flag.UNUSUAL_LINK}
    with pytest.raises(Refused, match="put together in an unusual way"):
        flags(_changed(content, rb"(\d+ 0) obj(\s+<< /S /URI)", rb"\1%\nobj\2"))


def test_a_file_that_is_not_encrypted_may_say_so():
    assert flags(pdf(trailer=b"/Encrypt null")) == frozenset()
    assert flags(pdf(b"<< /Title (/Encrypt) /Encrypt true >>")) == frozenset()


def test_a_dictionary_that_says_nothing_is_refused_as_locked():
    with pytest.raises(Refused, match="needs a password"):
        flags(pdf(trailer=b"/Encrypt << >>"))


def test_the_dictionary_may_stand_in_the_trailer_and_the_id_be_missing():
    handler = keys.Handler(
        2, (5,), bytes(32), b"", b"", 4, encrypts_metadata=True, strings="", streams="", files=""
    )
    key = keys._compute_md5_key(handler, b"", 5)
    user = b"".join(ciphers.apply_rc4(key, iter((keys.PAD,))))
    dictionary = b"/Encrypt << /Filter /Standard /V 1 /R 2 /P 4 /O <%b> /U <%b> >>"
    content = pdf(trailer=dictionary % (bytes(32).hex().encode(), user.hex().encode()))
    with pikepdf.open(io.BytesIO(content)) as document:
        assert document.is_encrypted
    assert flags(content) == frozenset()


def test_content_that_is_not_encrypted_at_all_is_judged_as_it_stands():
    dictionary = re.search(rb"<< /CF .*?/V 5 >>", encrypted(WAYS["AES of 256 bits"]), re.DOTALL)
    assert dictionary
    nothing = dictionary[0].replace(b"/StmF /StdCF", b"/StmF /Identity").replace(b"/StrF /StdCF", b"")
    link = b"<< /S /URI /URI (odd:thing) >>"
    assert flags(pdf(link, packed(link), trailer=b"/Encrypt " + nothing)) == {Flag.UNUSUAL_LINK}
    with pytest.raises(Refused, match="damaged"):
        flags(pdf(link, packed(link), trailer=b"/Encrypt " + dictionary[0]))


def test_thousands_of_encrypted_strings_are_too_much():
    content = encrypted(WAYS["AES of 256 bits"])
    many = b"".join(
        b"%d 0 obj << /URI (abcdefghijklmnopqrstuvwxyzabcdef) >> endobj\n" % n for n in range(900, 15_900)
    )
    with pytest.raises(Refused, match="far more than a resume"):
        flags(content.replace(b"startxref", many + b"startxref", 1))


def test_the_key_is_worked_out_once_however_many_objects_there_are(monkeypatch):
    steps = []
    encrypt = ciphers.encrypt_aes
    monkeypatch.setattr(ciphers, "encrypt_aes", lambda *args: steps.append(1) or encrypt(*args))
    flags(encrypted(WAYS["AES of 256 bits"], is_packed=True, change=_link_oddly))
    assert 2 * keys.ROUNDS <= len(steps) < 2 * keys.MAX_ROUNDS


@examples(150)
@given_that(
    name=st.sampled_from(sorted(WAYS)),
    at=st.floats(0, 1),
    byte=st.sampled_from(list(b"\x00(<>/[]07aRfb%#")),
    n=st.integers(1, 9),
)
def test_a_damaged_encrypted_pdf_is_taken_or_refused_but_never_a_failure(name, at, byte, n):
    content = bytearray(ENCRYPTED[name])
    start = content.index(b"/Encrypt") if at < 0.1 else content.index(b"/Filter /Standard") - 400
    for step in range(n):
        content[start + (int(at * 9000) * (step + 1)) % min(900, len(content) - start)] = byte
    try:
        found = flags(bytes(content))
    except Refused:
        return
    assert found <= set(Flag)


ENCRYPTED = {name: encrypted(way) for name, way in WAYS.items()}
