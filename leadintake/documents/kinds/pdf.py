"""PDF (ISO 32000-2): whole, with a page, and what in it a reader is warned of."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from typing import IO

from leadintake.documents.findings import Flag, Refused

CHUNK = 4096
MOST_BEHIND_THE_END = 2048
"""Bytes after the last %%EOF that are forgiven: scanners add some, and viewers look about that far back."""
MOST_UNPACKED = 8 * 1024 * 1024
MOST_UNPACKED_IN_ALL = 16 * 1024 * 1024
"""Bytes of object streams. They hold no text and no pictures; a thick book takes two or three megabytes."""
LONGEST_ZIP_END = 22 + 65535

DAMAGED = "This PDF is damaged or incomplete. Please save it again and try again."
UNUSUAL = "This PDF is packed in an unusual way. Please save it again and try again."
TOO_MUCH = "This PDF unpacks to far more than a resume. Please save it again and try again."
TWO_FILES = "This PDF has another file behind its end. Please save it again and try again."

WARNED_OF = {
    "JavaScript": Flag.JAVASCRIPT,  # 12.6.4.17
    "JS": Flag.JAVASCRIPT,
    "Launch": Flag.LAUNCH,  # 12.6.4.6
    "EmbeddedFile": Flag.EMBEDDED,  # 7.11.4
    "EmbeddedFiles": Flag.EMBEDDED,
    "EF": Flag.EMBEDDED,
    "RichMedia": Flag.EMBEDDED,  # 13.7
    "Encrypt": Flag.ENCRYPTED,  # 7.5.5
}


def _spelled(name: str) -> bytes:
    """Match a name any letter of which may be written as #xx (7.3.5)."""
    return "".join(f"(?:{letter}|\\#(?i:{ord(letter):02x}))" for letter in name).encode()


# The syntax of 7.2 and 7.3. What was matched once is never tried again (possessive quantifiers), so that
# every search takes time in proportion to the length of the file.
SPACE = rb"[\x00\t\n\f\r ]"
NAME = b"|".join(b"(?P<%b>%b)" % (n.encode(), _spelled(n)) for n in ("Catalog", "Page", "XRef", *WARNED_OF))
NAME = rb"/(?=[\#CEJLPRX])(?:" + NAME + rb")(?![^\x00\t\n\f\r ()<>\[\]{}/%])"
STREAM = rb">>" + SPACE + rb"*+stream[ \t]*+(?:\r\n?|\n)"
OBJECT = rb"obj(?<=[\x00\t\n\f\r 0-9]obj)(?![A-Za-z])"
DICTIONARY = b"<<"
FLAT_STRING = rb"\((?:[^()\\]++|\\.)*+\)"


def _tokens(*tokens: bytes) -> re.Pattern[bytes]:
    """Match what means nothing here (words, comments, flat strings), and then the next token."""
    token = b"|".join((*tokens, rb"(?P<string>\()", NAME))
    no_token = b"(?!" + re.sub(rb"\?P<\w+>", b"?:", token) + b")"
    skipped = rb"(?:[^%(/so><]++|%[^\r\n]*+|" + FLAT_STRING + b"|" + no_token + rb"[/so><])"
    return re.compile(rb"(?!\Z)" + skipped + b"{0,9999}+(?:" + token + b")?+", re.DOTALL)


IN_FILE = _tokens(b"(?P<stream>" + STREAM + b")", b"(?P<beginning>" + OBJECT + b")")
IN_OBJECT_STREAM = _tokens(b"(?P<beginning>" + DICTIONARY + b")")
IN_STRING = re.compile(
    rb"(?:[^()\\]++|\\.|" + FLAT_STRING + rb"){1,9999}+|(?P<open>\(++)|(?P<close>\)++)", re.DOTALL
)
OBJECT_STREAM = re.compile(rb"/" + _spelled("ObjStm"))
FLATE = re.compile(rb"/Filter(?:%b|\[)*+/FlateDecode\b" % SPACE)
START = re.compile(rb"startxref" + SPACE + rb"*+\d")
TABLE = re.compile(rb"xref(?<!startxref)" + SPACE + rb"*+\d")
ANOTHER_FILE = re.compile(
    rb"\A(?:MZ|\x7fELF|#!|\xd0\xcf\x11\xe0|\{\\rtf)|PK\x03\x04|PK\x05\x06|Rar!|7z\xbc\xaf"
    rb"|<(?:!doctype|html|head|body|script|iframe|svg|\?php|\?xml)",
    re.IGNORECASE,
)


def fits(stream: IO[bytes]) -> bool:
    """Whether it begins as a PDF does (7.5.2); what stands before is a file of another kind."""
    return re.match(rb"%PDF-\d", stream.read(6)) is not None


def inspect(stream: IO[bytes]) -> frozenset[Flag]:
    """Warn of scripts, programs and files in a whole PDF. Raises Refused when it is not whole, or two files.

    The words count where they are syntax: not in text, and not in the streams that hold text and pictures.
    """
    data = stream.read()
    _look_at_end(data)
    names = _names(data, IN_FILE, OBJECT)
    encrypted = "Encrypt" in names
    for packed in _object_streams(data, encrypted=encrypted):
        names |= _names(packed, IN_OBJECT_STREAM, DICTIONARY)
    has_page = encrypted or {"Catalog", "Page"} <= names  # the objects of an encrypted file may all be packed
    if not has_page or not ("XRef" in names or TABLE.search(data)):
        raise Refused(DAMAGED)
    return frozenset(WARNED_OF[name] for name in names if name in WARNED_OF)


def _look_at_end(data: bytes) -> None:
    """Find the end (7.5.5), which viewers look for from behind, and no other file after it."""
    end = data.rfind(b"%%EOF")
    behind = data[end + 5 :].strip(b"\0\t\n\f\r ")
    if end >= 0 and (ANOTHER_FILE.search(behind) or _ends_a_zip(data[-LONGEST_ZIP_END:])):
        raise Refused(TWO_FILES)
    if end < 0 or len(behind) > MOST_BEHIND_THE_END or not START.search(data, max(0, end - 1024), end):
        raise Refused(DAMAGED)


def _ends_a_zip(tail: bytes) -> bool:
    """Whether a zip's end record (APPNOTE 4.3.16) and its comment reach exactly to the end of the file."""
    records = (found.start() for found in re.finditer(rb"PK\x05\x06", tail[:-18]))
    return any(struct.unpack_from("<H", tail, at + 20)[0] == len(tail) - at - 22 for at in records)


def _names(data: bytes | bytearray, tokens: re.Pattern[bytes], beginning: bytes) -> set[str]:
    """The names we look for, where they are syntax; anywhere, once an object hides in something else."""
    names, begun, position = set(), 0, 0
    while token := tokens.match(data, position):
        position, kind = token.end(), token.lastgroup
        if kind == "string":
            position = _end_of_string(data, position)
        elif kind == "stream":
            position = _end_of_stream(data, position)
        elif kind == "beginning":
            begun += 1
        elif kind:
            names.add(kind)
    # A viewer jumps to each object by its offset, into a string, a comment or a stream if that is where it
    # leads (7.5.4). Honest files have no object there, so their texts may say what they like.
    if begun != sum(1 for _ in re.finditer(beginning, data)):
        names |= {name for found in re.finditer(NAME, data) if (name := found.lastgroup)}
    return names


def _end_of_string(data: bytes | bytearray, position: int) -> int:
    depth = 1
    for found in IN_STRING.finditer(data, position):
        if found.lastgroup == "open":
            depth += found.end() - found.start()
        elif found.lastgroup == "close":
            depth -= found.end() - found.start()
            if depth <= 0:
                return found.end() + depth
    return len(data)


def _end_of_stream(data: bytes | bytearray, position: int) -> int:
    """Where a stream ends, whatever its /Length says."""
    end = data.find(b"endstream", position)
    return end if end >= 0 else len(data)


def _object_streams(data: bytes, *, encrypted: bool) -> Iterator[bytes | bytearray]:
    """The contents of the streams that hold objects (7.5.7), wherever something looks like one."""
    content: bytes | bytearray
    before, left = 0, MOST_UNPACKED_IN_ALL
    for found in re.finditer(STREAM, data):
        if OBJECT_STREAM.search(data, before, found.start()):
            # Its own dictionary begins after the last `obj`. Nobody packs objects but by plain Flate.
            dictionary = data[max(before, data.rfind(b"obj", before, found.start())) : found.start()]
            flate = FLATE.search(dictionary) and dictionary.count(b"Decode") == 1
            plain = b"Filter" not in dictionary
            if b"#" in dictionary or not (flate or plain):
                raise Refused(UNUSUAL)
            if plain:
                content, taken = data[found.end() : _end_of_stream(data, found.end())], 0
            else:
                content, taken = _inflated(data, found.end(), min(left, MOST_UNPACKED), encrypted=encrypted)
            left -= len(content) + taken
            if left < 0:
                raise Refused(TOO_MUCH)
            yield content
        before = found.end()


def _inflated(data: bytes, start: int, most: int, *, encrypted: bool) -> tuple[bytearray, int]:
    """What is packed here, and how many bytes it took; nothing if it is encrypted as well."""
    unpacking, content, position = zlib.decompressobj(), bytearray(), start
    try:
        while not unpacking.eof and position < len(data):
            content += unpacking.decompress(data[position : position + CHUNK], most + 1 - len(content))
            position += CHUNK
            if len(content) > most:
                raise Refused(TOO_MUCH)
    except zlib.error as error:
        if not encrypted:
            raise Refused(DAMAGED) from error
        content.clear()
    return content, position - start - len(unpacking.unused_data)
