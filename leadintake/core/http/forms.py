"""Reading multipart forms strictly: what stands beside the file is bounded, part by part and together."""

from __future__ import annotations

import io
from typing import IO, Any

from werkzeug.datastructures import FileStorage, Headers, MultiDict
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge
from werkzeug.formparser import FormDataParser, MultiPartParser
from werkzeug.sansio.multipart import File

from leadintake.core.http.bodies import FORM_OVERHEAD_BYTES

MOST_HEADERS, LONGEST_HEADERS = 16, 8 * 1024
"""Of one part. Browsers send two, of some hundred bytes."""


class StrictFormParser(FormDataParser):
    """Parses forms, with bounded parts."""

    def _parse_multipart(
        self, stream: IO[bytes], mimetype: str, content_length: int | None, options: dict[str, str]
    ) -> tuple[IO[bytes], MultiDict[str, str], MultiDict[str, FileStorage]]:
        del mimetype  # it is multipart/form-data
        boundary = options.get("boundary", "").encode("ascii")
        if not boundary:
            raise ValueError("Missing boundary")
        parser = _PartsParser(
            stream_factory=self.stream_factory,
            max_form_memory_size=self.max_form_memory_size,
            max_form_parts=self.max_form_parts,
            cls=self.cls,
        )
        form, files = parser.parse(parser.counted(stream), boundary, content_length)
        return stream, form, files


class _PartsParser(MultiPartParser):
    """Parses parts, and knows how much of what it read went into files."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.file: IO[bytes] | None = None
        self.bytes_of_files = 0
        """Of those that are complete."""

    def counted(self, stream: IO[bytes]) -> IO[bytes]:
        """The same bytes, refused where too many of them are no file's."""
        return _Counted(stream, self)  # type: ignore[return-value] # the parser only reads

    def get_part_charset(self, headers: Headers) -> str:
        """As Werkzeug's, for a field whose headers are bounded."""
        _bound(headers)
        return super().get_part_charset(headers)

    def start_file_streaming(self, event: File, total_content_length: int | None) -> IO[bytes]:
        """As Werkzeug's, for a file whose headers are bounded."""
        _bound(event.headers)
        self.bytes_of_files += self.bytes_of_file()
        self.file = super().start_file_streaming(event, total_content_length)
        return self.file

    def bytes_of_file(self) -> int:
        """How much the last file that was begun has now."""
        if self.file is None:
            return 0
        place = self.file.tell()
        size = self.file.seek(0, io.SEEK_END)
        self.file.seek(place)
        return size


class _Counted:
    def __init__(self, stream: IO[bytes], parser: _PartsParser) -> None:
        self._stream, self._parser, self._read = stream, parser, 0

    def read(self, size: int) -> bytes:
        # The parser has worked through all it got before it asks for more.
        files = self._parser.bytes_of_files + self._parser.bytes_of_file()
        if self._read - files > FORM_OVERHEAD_BYTES:
            raise RequestEntityTooLarge
        piece = self._stream.read(size)
        self._read += len(piece)
        return piece


def _bound(headers: Headers) -> None:
    if (
        len(headers) > MOST_HEADERS
        or sum(len(name) + len(value) for name, value in headers) > LONGEST_HEADERS
    ):
        raise BadRequest("The form is cut off or garbled. Please send it again.")
