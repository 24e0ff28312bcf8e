"""Multipart parsing with limits on headers and texts.

Werkzeug limits only the number of parts and the size of each text. 10 MB of headers, read byte by byte, took
two seconds; 10 MB of texts take more memory than any file.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from io import BytesIO
from typing import IO, Any, NamedTuple

from werkzeug.datastructures import FileStorage, Headers, MultiDict
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser
from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Epilogue, Event, Field, File, MultipartDecoder, NeedData

from leadintake.core.http.bodies import FormTooLarge

CHUNK = 64 * 1024
MAX_HEADER_BYTES, MAX_TOTAL_HEADER_BYTES = 16 * 1024, 32 * 1024
"""Bytes of one part's headers, and of all. An escaped file name of 255 characters has 3,060."""
MAX_HEADERS = 16
"""Lines of one part's headers. Browsers send two."""
MAX_TEXTS_BYTES = 256 * 1024
"""Bytes of all parts together that are not files."""
UTF_8, WESTERN = "utf-8", "cp1252"
ENCODINGS = {
    "ascii": UTF_8, "us-ascii": UTF_8, "utf-8": UTF_8, "iso-8859-1": WESTERN, "windows-1252": WESTERN,
    "iso-8859-2": "iso-8859-2", "windows-1250": "cp1250", "iso-8859-15": "iso-8859-15",
    "windows-1251": "cp1251", "koi8-r": "koi8-r", "koi8-u": "koi8-u", "windows-1254": "cp1254",
    "windows-1256": "cp1256", "gbk": "gb18030", "gb18030": "gb18030", "big5": "big5",
    "shift_jis": "cp932", "euc-jp": "euc-jp", "euc-kr": "cp949",
}  # fmt: skip
"""Codecs by the names that browsers know. As there, ISO-8859-1 is read as windows-1252."""
CHARSET_FIELD = "_charset_"
"""Field in which browsers name the encoding of the form's page (HTML, 4.10.21.5)."""
_CHARACTER = re.compile(r"&#(\d{1,7});")

_BREAK = rb"(?:\r\n|\n|\r)"
_END_OF_DELIMITER = re.compile(rb"(--[^\S\n\r]*%s?|[^\S\n\r]*%s)" % (_BREAK, _BREAK))
_ANY = b"any"

Parsed = tuple[IO[bytes], MultiDict[str, str], MultiDict[str, FileStorage]]


class DelimiterMatch(NamedTuple):
    """A delimiter in a body, with the methods of re.Match that Werkzeug calls."""

    begin: int
    tail: re.Match[bytes]

    def start(self) -> int:
        return self.begin

    def end(self) -> int:
        return self.tail.end()

    def group(self, _number: int) -> bytes:
        """Return what follows the boundary: `--` at the body's end."""
        return self.tail[1]


class Delimiter:
    """Find a delimiter (RFC 2046, 5.1.1) as Werkzeug's patterns do, without compiling one per request."""

    def __init__(self, boundary: bytes, *, at_line_begin: bool) -> None:
        self._text, self._at_line_begin = b"--" + boundary, at_line_begin

    def search(self, data: bytes | bytearray, position: int = 0) -> DelimiterMatch | None:
        """Return the first delimiter from `position` on."""
        found = position - 1
        while (found := data.find(self._text, found + 1)) >= 0:
            begin = found - _break_length(data, position, found)
            tail = _END_OF_DELIMITER.match(data, found + len(self._text))
            if tail and (begin < found or not self._at_line_begin):
                return DelimiterMatch(begin, tail)
        return None


def _break_length(data: bytes | bytearray, begin: int, end: int) -> int:
    """Return the bytes of the line break before `end`: 0, 1 or 2."""
    before = data[max(begin, end - 2) : end]
    return 2 if before == b"\r\n" else before.endswith((b"\n", b"\r"))


class CutFile(FileStorage):
    """A file that was not read to its end, since the form is too large (bodies.FormTooLarge)."""


class Nowhere(BytesIO):
    """Keeps nothing of what is written."""

    def write(self, _data: Any, /) -> int:
        return 0


class BoundedDecoder(MultipartDecoder):
    _headers, _texts, _in_file = 0, 0, False

    def __init__(self, boundary: bytes, *limits: int | None, **more: int | None) -> None:
        super().__init__(_ANY, *limits, **more)  # constant patterns, which `re` caches
        self.boundary = boundary
        self.preamble_re = Delimiter(boundary, at_line_begin=False)  # type: ignore[assignment] # as DelimiterMatch says
        self.boundary_re = Delimiter(boundary, at_line_begin=True)  # type: ignore[assignment] # the same

    def next_event(self) -> Event:
        """Return the next piece of the body. Raises ValueError, RequestEntityTooLarge."""
        event = super().next_event()
        if isinstance(event, Field | File):
            self._in_file = isinstance(event, File)
        elif isinstance(event, Data) and not self._in_file:
            self._texts += len(event.data)
            if self._texts > MAX_TEXTS_BYTES:
                raise RequestEntityTooLarge
        return event

    def _parse_headers(self, data: bytes | bytearray) -> Headers:
        self._headers += len(data)
        if (
            len(data) > MAX_HEADER_BYTES
            or self._headers > MAX_TOTAL_HEADER_BYTES
            or data.count(b"\n") >= MAX_HEADERS
        ):
            raise RequestEntityTooLarge
        try:
            return super()._parse_headers(data)
        except UnicodeDecodeError:  # a file name from a page in another encoding
            return super()._parse_headers(data.decode(WESTERN, "replace").encode())


class BoundedParser(FormDataParser):
    """Werkzeug's form parser, with BoundedDecoder."""

    def parse(
        self,
        stream: IO[bytes],
        mimetype: str,
        content_length: int | None,
        options: dict[str, str] | None = None,
    ) -> Parsed:
        """Parse a body. Raises ValueError if it is incomplete or invalid, RequestEntityTooLarge.

        Of a FormTooLarge, the texts before its file, and the file as CutFile.
        """
        boundary = (options or {}).get("boundary", "").encode("ascii")
        if mimetype != "multipart/form-data" or not boundary:
            return super().parse(stream, mimetype, content_length, options)
        texts: list[tuple[Field, bytes]] = []
        files: MultiDict[str, FileStorage] = MultiDict()
        part: Field | File | None = None
        content: IO[bytes] = BytesIO()
        try:
            for event in self._events(stream, boundary):
                if isinstance(event, Field | File):
                    part, content = event, self._open_part(event, content_length)
                elif isinstance(event, Data) and part is not None:
                    content.write(event.data)
                    if event.more_data:
                        continue
                    content.seek(0)
                    if isinstance(part, Field):
                        texts.append((part, content.read()))
                    elif part.filename:
                        file = FileStorage(content, part.filename, part.name, headers=part.headers)
                        files.add(part.name, file)
        except FormTooLarge:
            if not isinstance(part, File):
                raise
            files.add(part.name, CutFile(content, part.filename, part.name, headers=part.headers))
        return stream, _decode(texts), files

    def _events(self, stream: IO[bytes], boundary: bytes) -> Iterator[Event]:
        decoder = BoundedDecoder(boundary, self.max_form_memory_size, max_parts=self.max_form_parts)
        while True:
            data = stream.read(CHUNK)
            decoder.receive_data(data or None)
            while not isinstance(event := decoder.next_event(), NeedData | Epilogue):
                yield event
            if not data:
                return

    def _open_part(self, part: Field | File, length: int | None) -> IO[bytes]:
        if isinstance(part, Field):
            return BytesIO()
        if not part.filename:  # a field in which no file was chosen
            return Nowhere()
        kind = part.headers.get("content-type")
        return self.stream_factory(length, kind, part.filename, None)


def _decode(parts: list[tuple[Field, bytes]]) -> MultiDict[str, str]:
    """Decode texts by the charset of each, else by CHARSET_FIELD, else as UTF-8."""
    page = UTF_8
    for part, content in parts:
        if part.name == CHARSET_FIELD:
            page = _find_codec(content[:40].decode("ascii", "replace"))
    texts: MultiDict[str, str] = MultiDict()
    for part, content in parts:
        kind = part.headers.get("content-type")
        codec = _find_codec(parse_options_header(kind)[1].get("charset", "")) if kind else page
        text = content.decode(codec, "replace")
        # Browsers write what the page's encoding lacks as a character reference.
        texts.add(part.name, text if codec == UTF_8 else _CHARACTER.sub(_read_character, text))
    return texts


def _find_codec(charset: str) -> str:
    return ENCODINGS.get(charset.lower(), UTF_8)


def _read_character(match: re.Match[str]) -> str:
    code = int(match[1])
    return chr(code) if code <= sys.maxunicode and not 0xD800 <= code <= 0xDFFF else "\ufffd"
