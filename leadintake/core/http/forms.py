"""Parsing of multipart bodies with limits on headers and texts.

Werkzeug limits only the number of parts and the size of each text. 10 MB of headers, read byte by byte, took
two seconds; 10 MB of texts take more memory than any file.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import IO

from werkzeug.datastructures import FileStorage, Headers, MultiDict
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser
from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Epilogue, Event, Field, File, MultipartDecoder, NeedData

CHUNK = 64 * 1024
LONGEST_HEADERS, LONGEST_HEADERS_OF_ALL = 16 * 1024, 32 * 1024
"""Bytes of one part's headers, and of all. A file name of 255 characters has 3,060, escaped."""
MAX_HEADERS = 16
"""Lines of one part's headers. Browsers send two."""
LONGEST_TEXTS = 256 * 1024
"""Bytes of all parts together that are not files."""
ENCODINGS = {"ascii", "us-ascii", "utf-8", "iso-8859-1"}

Parsed = tuple[IO[bytes], MultiDict[str, str], MultiDict[str, FileStorage]]


class BoundedDecoder(MultipartDecoder):
    """A decoder with limits on headers and texts."""

    _headers, _texts, _in_file = 0, 0, False

    def next_event(self) -> Event:
        """Return the next piece of the body. Raises ValueError, RequestEntityTooLarge."""
        event = super().next_event()
        if isinstance(event, Field | File):
            self._in_file = isinstance(event, File)
        elif isinstance(event, Data) and not self._in_file:
            self._texts += len(event.data)
            if self._texts > LONGEST_TEXTS:
                raise RequestEntityTooLarge
        return event

    def _parse_headers(self, data: bytes | bytearray) -> Headers:
        self._headers += len(data)
        if (
            len(data) > LONGEST_HEADERS
            or self._headers > LONGEST_HEADERS_OF_ALL
            or data.count(b"\n") >= MAX_HEADERS
        ):
            raise RequestEntityTooLarge
        return super()._parse_headers(data)


class BoundedParser(FormDataParser):
    """Werkzeug's form parser, with another multipart parser."""

    def parse(
        self,
        stream: IO[bytes],
        mimetype: str,
        content_length: int | None,
        options: dict[str, str] | None = None,
    ) -> Parsed:
        """Parse a body. Raises ValueError for an incomplete or invalid one, RequestEntityTooLarge."""
        boundary = (options or {}).get("boundary", "").encode("ascii")
        if mimetype != "multipart/form-data" or not boundary:
            return super().parse(stream, mimetype, content_length, options)
        texts: MultiDict[str, str] = MultiDict()
        files: MultiDict[str, FileStorage] = MultiDict()
        part: Field | File | None = None
        content: IO[bytes] = BytesIO()
        for event in self._events(stream, boundary):
            if isinstance(event, Field | File):
                part, content = event, self._open_part(event, content_length)
            elif isinstance(event, Data) and part is not None:
                content.write(event.data)
                if event.more_data:
                    continue
                content.seek(0)
                if isinstance(part, File):
                    file = FileStorage(content, part.filename, part.name, headers=part.headers)
                    files.add(part.name, file)
                else:
                    texts.add(part.name, content.read().decode(_encoding_of(part), "replace"))
        return stream, texts, files

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
        kind = part.headers.get("content-type")
        return self.stream_factory(length, kind, part.filename, None)


def _encoding_of(part: Field) -> str:
    charset = parse_options_header(part.headers.get("content-type"))[1].get("charset", "").lower()
    return charset if charset in ENCODINGS else "utf-8"
