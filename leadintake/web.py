"""The request class: refuses incomplete and invalid multipart bodies."""

from __future__ import annotations

import errno
from tempfile import SpooledTemporaryFile
from typing import IO, cast

from flask import Request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest
from werkzeug.formparser import FormDataParser
from werkzeug.utils import cached_property

from leadintake.core.errors import Unavailable, UnprocessableContent
from leadintake.core.http import bodies
from leadintake.core.http.forms import BoundedParser
from leadintake.core.i18n.languages import N_

MEMORY_BYTES = 64 * 1024
"""Bytes of an uploaded file in memory; a larger one is on disk."""
FULL_DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
MAX_FILES = 8
"""Files in one body: each may open a file."""


class IntakeRequest(Request):
    """A request with strict form parsing; closes its files after a refusal."""

    form_data_parser_class = BoundedParser

    @cached_property
    def stream(self) -> IO[bytes]:
        """The body, limited to the route's maximum."""
        return cast("IO[bytes]", bodies.open_body(self))

    def close(self) -> None:
        """Close files, and release the body."""
        super().close()
        body = self.__dict__.get("stream")
        if isinstance(body, bodies.IncomingBody):
            body.release()

    @cached_property
    def args(self) -> MultiDict[str, str]:
        """The query. Raises BadRequest for bytes that are not UTF-8 (RFC 3986, 2.1)."""
        try:
            return super().args
        except UnicodeDecodeError as error:
            raise BadRequest("The address has characters that must be written as %XX.") from error

    def make_form_data_parser(self) -> FormDataParser:
        """Return a parser that raises for an incomplete body."""
        parser = super().make_form_data_parser()
        parser.silent = False
        return parser

    def _get_file_stream(self, *_args: object, **_kwargs: object) -> IO[bytes]:
        """Return a file for an upload, in memory while small. Raises UnprocessableContent above MAX_FILES."""
        streams: list[IO[bytes]] = self.__dict__.setdefault("_streams", [])
        if len(streams) == MAX_FILES:
            raise UnprocessableContent({"resume_file": [N_("Please send one file only.")]})
        stream = cast(IO[bytes], SpooledTemporaryFile(MEMORY_BYTES))  # noqa: SIM115 - closed with the request
        streams.append(stream)
        return stream

    def _load_form_data(self) -> None:
        if "form" not in self.__dict__:
            bodies.refuse_other_forms(self)
        try:
            super()._load_form_data()
        except Exception as error:
            for stream in self.__dict__.get("_streams", ()):
                stream.close()
            if isinstance(error, ValueError):
                raise BadRequest("The form is cut off or garbled. Please send it again.") from error
            if isinstance(error, OSError) and error.errno in FULL_DISK_ERRORS:
                raise Unavailable(N_("There is no room for it right now. Please try again soon.")) from error
            raise
