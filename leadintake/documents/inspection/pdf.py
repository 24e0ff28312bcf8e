"""PDF (ISO 32000-2): whole, with a page, and what in it a reader is warned of."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from typing import IO

from .findings import Flag, Refused
from .sentences import PDF_DAMAGED, PDF_TOO_MUCH, PDF_TWO_FILES, PDF_UNUSUAL

CHUNK = 4096
MOST_BEHIND_THE_END = 2048
"""Bytes after the last %%EOF that are forgiven: scanners add some, and viewers look about that far back."""
MOST_UNPACKED = 8 * 1024 * 1024
MOST_UNPACKED_IN_ALL = 16 * 1024 * 1024
"""Bytes of object streams. They hold no text and no pictures; a thick book takes two or three megabytes."""
MOST_TOKENS = 2_000_000  # brackets, strings and names that are not packed; a resume has some hundreds
MOST_OVERLAP = 2
"""How often, on average, each byte may be read as part of an object; once, in honest files."""
DEEPEST = 200
OPENED_BY = {b">>": b"<<", b"]": b"["}
LONGEST_ZIP_END = 22 + 65535

WARNED_OF = {
    "JavaScript": Flag.JAVASCRIPT,  # 12.6.4.17
    "JS": Flag.JAVASCRIPT,
    "Launch": Flag.LAUNCH,  # 12.6.4.6
    "EmbeddedFile": Flag.EMBEDDED,  # 7.11.4
    "EmbeddedFiles": Flag.EMBEDDED,
    "EF": Flag.EMBEDDED,
    "RichMedia": Flag.EMBEDDED,  # 13.7
    "XFA": Flag.JAVASCRIPT,  # 12.7.8: forms with scripts of their own
    "GoToR": Flag.REACHES_OUT,  # 12.6.4.3
    "GoToE": Flag.REACHES_OUT,  # 12.6.4.4
    "SubmitForm": Flag.REACHES_OUT,  # 12.7.6.2
    "ImportData": Flag.REACHES_OUT,  # 12.7.6.4
    "Rendition": Flag.REACHES_OUT,  # 12.6.4.14
    "Encrypt": Flag.ENCRYPTED,  # 7.5.5
}


def _spelled(name: str) -> bytes:
    """Match a name any letter of which may be written as #xx (7.3.5)."""
    return "".join(f"(?:{letter}|\\#(?i:{ord(letter):02x}))" for letter in name).encode()


# The syntax of 7.2 and 7.3. What was matched once is never tried again (possessive quantifiers), so that
# every search takes time in proportion to the length of the file.
SPACE = rb"[\x00\t\n\f\r ]"
NAME = b"|".join(b"(?P<%b>%b)" % (n.encode(), _spelled(n)) for n in ("Catalog", "Page", "XRef", *WARNED_OF))
END_OF_NAME = rb"(?![^\x00\t\n\f\r ()<>\[\]{}/%])"
NAME = rb"/(?=[\#CEGIJLPRSX])(?:" + NAME + rb")" + END_OF_NAME
FLAT_STRING = rb"\((?:[^()\\]++|\\.)*+\)"
HEX_STRING = rb"<(?!<)[^>]*+>?+"
FLAT_ARRAY = rb"\[[^\[\]()<>/%]*+\]"


def _tokens(*tokens: bytes) -> re.Pattern[bytes]:
    """Match what means nothing here (words, comments, flat strings), and then the next token."""
    token = b"|".join((*tokens, rb"(?P<string>\()", NAME))
    no_token = b"(?!" + re.sub(rb"\?P<\w+>", b"?:", token) + b")"
    skipped = (FLAT_STRING, FLAT_ARRAY, HEX_STRING, no_token + rb"(?:<<|[/o><\[\]])")
    skipping = rb"(?:[^%(/o><\[\]]++|%[^\r\n]*+|" + b"|".join(skipped) + rb"){0,9999}+"
    return re.compile(rb"(?!\Z)" + skipping + b"(?:" + token + b")?+", re.DOTALL)


# Behind two numbers or a comment (7.3.10), and before a value; pictures hardly ever look like it.
BEGINNING = re.compile(
    rb"(?:obj(?:(?<=[\x00\t\n\f\r 0-9+\-.)>]{2}obj)|(?<=[\r\n]obj))|trailer)"
    rb"(?=[\x00\t\n\f\r ()<>\[\]{}/%0-9+\-.fnt])"
)
IN_OBJECT = _tokens(rb"(?P<opening><<|\[)", rb"(?P<closing>>>|\])", rb"(?P<end>obj)")
IN_OBJECT_STREAM = _tokens(rb"(?P<opening><<)")
IN_STRING = re.compile(
    rb"(?:[^()\\]++|\\.|" + FLAT_STRING + rb"){1,9999}+|(?P<open>\(++)|(?P<close>\)++)", re.DOTALL
)
STREAM = re.compile(rb"(?:" + SPACE + rb"|(?P<comment>%)[^\r\n]*+)*+stream(?P<begun>[ \t]*+(?:\r\n?|\n))?+")
# Viewers go by /First where /Type is missing or elsewhere; no other stream has it.
OBJECT_STREAM = re.compile(rb"/(?:" + _spelled("ObjStm") + b"|" + _spelled("First") + b")" + END_OF_NAME)
FLATE = re.compile(rb"/Filter(?:%b|\[)*+/FlateDecode\b" % SPACE)
LENGTH = re.compile(rb"/Length" + SPACE + rb"*+([0-9]{1,9})(?!" + SPACE + rb"++[0-9])\b")
UNCLEAR = re.compile(rb"[(%#]|<<[^<]*+<|/(?:F|DP)" + END_OF_NAME)
"""What no writer puts in the dictionary of an object stream, and viewers read in different ways."""
HEAD = re.compile(rb"(?:\xef\xbb\xbf)?[\t\n\r ]{0,1024}+%PDF-\d")
START = re.compile(rb"startxref" + SPACE + rb"*+\d")
TABLE = re.compile(rb"xref(?<!startxref)" + SPACE + rb"*+\d")
ANOTHER_FILE = re.compile(
    rb"\A(?:MZ|\x7fELF|#!|\xd0\xcf\x11\xe0|\{\\rtf)|PK\x03\x04|PK\x05\x06|Rar!|7z\xbc\xaf"
    rb"|<(?:!doctype|html|head|body|script|iframe|svg|\?php|\?xml)",
    re.IGNORECASE,
)


def fits(stream: IO[bytes]) -> bool:
    """Whether it begins as a PDF does (7.5.2), behind no more than the white space some web sites leave."""
    return HEAD.match(stream.read(2048)) is not None


def inspect(stream: IO[bytes]) -> frozenset[Flag]:
    """Warn of scripts, programs and files in a whole PDF. Raises Refused when it is not whole, or two files.

    The words count where they are syntax: not in text, and not in the streams that hold text and pictures.
    """
    data = stream.read()
    _look_at_end(data)
    names, packed = _objects(data)
    encrypted = "Encrypt" in names
    for content in _unpacked(data, packed, encrypted=encrypted):
        names |= _names(content)
    has_page = encrypted or {"Catalog", "Page"} <= names  # the objects of an encrypted file may all be packed
    if not has_page or not ("XRef" in names or TABLE.search(data)):
        raise Refused(PDF_DAMAGED)
    return frozenset(WARNED_OF[name] for name in names if name in WARNED_OF)


def _look_at_end(data: bytes) -> None:
    """Find the end (7.5.5), which viewers look for from behind, and no other file after it."""
    end = data.rfind(b"%%EOF")
    behind = data[end + 5 :].strip(b"\0\t\n\f\r ")
    if end >= 0 and (ANOTHER_FILE.search(behind) or _ends_a_zip(data[-LONGEST_ZIP_END:])):
        raise Refused(PDF_TWO_FILES)
    if end < 0 or len(behind) > MOST_BEHIND_THE_END or not START.search(data, max(0, end - 1024), end):
        raise Refused(PDF_DAMAGED)


def _ends_a_zip(tail: bytes) -> bool:
    """Whether a zip's end record (APPNOTE 4.3.16) and its comment reach exactly to the end of the file."""
    records = (found.start() for found in re.finditer(rb"PK\x05\x06", tail[:-18]))
    return any(struct.unpack_from("<H", tail, at + 20)[0] == len(tail) - at - 22 for at in records)


def _objects(data: bytes) -> tuple[set[str], list[tuple[int, int]]]:
    """The names we look for in every object, and where dictionaries of object streams begin and end.

    A viewer jumps to each object by its offset, into a string, a comment or a stream if that is where it
    leads (7.5.4). So each is read from its own beginning. Those of honest files do not overlap.
    """
    names: set[str] = set()
    packed = []
    most_bytes, most_tokens = MOST_OVERLAP * len(data), MOST_TOKENS
    for beginning in BEGINNING.finditer(data):
        start = beginning.end()
        end, tokens, is_stream = _read(data, start, names, most_tokens)
        most_bytes, most_tokens = most_bytes - (end - start), most_tokens - tokens
        if most_bytes < 0 or most_tokens <= 0:
            raise Refused(PDF_UNUSUAL)
        if is_stream and OBJECT_STREAM.search(data, start, end):
            packed.append((start, end))
    return names, packed


def _read(data: bytes, position: int, names: set[str], most: int) -> tuple[int, int, bool]:
    """Collect the names of one object: where it ends, of how many tokens it is, and whether of a stream."""
    open_: list[bytes] = []
    count = 0
    while count < most and (token := IN_OBJECT.match(data, position)):
        position, kind, count = token.end(), token.lastgroup, count + 1
        if kind == "string":
            position = _end_of_string(data, position)
        elif kind == "opening":
            open_.append(token["opening"])
            if len(open_) > DEEPEST:
                raise Refused(PDF_UNUSUAL)
        elif kind == "closing" and open_[-1:] == [OPENED_BY[token["closing"]]]:
            is_dictionary = open_.pop() == b"<<"
            is_stream = is_dictionary and STREAM.match(data, position) is not None
            if is_stream and open_:
                raise Refused(PDF_UNUSUAL)
            if not open_:
                return position, count, is_stream
        elif kind == "end" and not open_:
            break
        elif kind and kind not in {"closing", "end"}:
            names.add(kind)
    return position, count, False


def _names(packed: bytes) -> set[str]:
    """The names in an object stream, where they are syntax; anywhere, once an object hides in a text."""
    names, opened, position = set(), 0, 0
    while token := IN_OBJECT_STREAM.match(packed, position):
        position, kind = token.end(), token.lastgroup
        if kind == "string":
            position = _end_of_string(packed, position)
        elif kind == "opening":
            opened += 1
        elif kind:
            names.add(kind)
    if opened != packed.count(b"<<"):
        names |= {name for found in re.finditer(NAME, packed) if (name := found.lastgroup)}
    return names


def _end_of_string(data: bytes, position: int) -> int:
    depth = 1
    for found in IN_STRING.finditer(data, position):
        if found.lastgroup == "open":
            depth += found.end() - found.start()
        elif found.lastgroup == "close":
            depth -= found.end() - found.start()
            if depth <= 0:
                return found.end() + depth
    return len(data)


def _unpacked(data: bytes, packed: list[tuple[int, int]], *, encrypted: bool) -> Iterator[bytes]:
    """The contents of the object streams (7.5.7). Nobody packs objects but by plain Flate."""
    left = MOST_UNPACKED_IN_ALL
    for start, end in packed:
        dictionary, found = data[start:end], STREAM.match(data, end)
        if not (found and found["begun"]) or found["comment"] or UNCLEAR.search(dictionary):
            raise Refused(PDF_UNUSUAL)
        filters, begun = dictionary.count(b"Filter"), found.end()
        length = LENGTH.search(dictionary) if dictionary.count(b"/Length") == 1 else None
        if filters == dictionary.count(b"Decode") == 1 and FLATE.search(dictionary):
            content, taken = _inflated(data, begun, min(left, MOST_UNPACKED), encrypted=encrypted)
        elif filters == 0 and length:
            content, taken = data[begun : begun + int(length[1])], 0
        else:
            raise Refused(PDF_UNUSUAL)
        left -= len(content) + taken
        if left < 0:
            raise Refused(PDF_TOO_MUCH)
        yield content


def _inflated(data: bytes, start: int, most: int, *, encrypted: bool) -> tuple[bytes, int]:
    """What is packed here, and how many bytes it cost to read; what there is of it if it is encrypted."""
    unpacking, content, position, packed = zlib.decompressobj(), bytearray(), start, b""
    try:
        while not unpacking.eof and (packed or position < len(data)):
            if not packed:
                packed = data[position : position + CHUNK]
                position += CHUNK
            content += unpacking.decompress(packed, CHUNK)
            packed = unpacking.unconsumed_tail
            if len(content) > most:
                raise Refused(PDF_TOO_MUCH)
    except zlib.error as error:
        if not encrypted:
            raise Refused(PDF_DAMAGED) from error
        return bytes(content), position - start + CHUNK  # what the last step unpacked is lost, not free
    return bytes(content), position - start - len(unpacking.unused_data)
