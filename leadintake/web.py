"""The request: multipart bodies that are cut or garbled are refused, not guessed at."""

from __future__ import annotations

import errno
from tempfile import SpooledTemporaryFile
from typing import IO, cast

from flask import Request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest
from werkzeug.formparser import FormDataParser
from werkzeug.utils import cached_property

from leadintake.core.errors import Invalid, Unavailable
from leadintake.core.http import bodies
from leadintake.core.http.forms import BoundedParser
from leadintake.core.languages import phrase

IN_MEMORY = 64 * 1024
"""Bytes of an uploaded file that are kept in memory; all of it is on disk beyond."""
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
MOST_FILES = 8
"""Parts of one body that may be files, empty ones included: each may open one."""


class IntakeRequest(Request):
    """A request whose forms are parsed strictly, and which leaves no file open when they are refused."""

    form_data_parser_class = BoundedParser

    @cached_property
    def stream(self) -> IO[bytes]:
        """The body as it arrives, no longer than this route takes."""
        return cast("IO[bytes]", bodies.incoming(self))

    def close(self) -> None:
        """Let go of files, and of what was not read."""
        super().close()
        body = self.__dict__.get("stream")
        if isinstance(body, bodies.IncomingBody):
            body.release()

    @cached_property
    def args(self) -> MultiDict[str, str]:
        """The query. Raw bytes that are no UTF-8 are nothing an address may have (RFC 3986, 2.1)."""
        try:
            return super().args
        except UnicodeDecodeError as error:
            raise BadRequest("The address has characters that must be written as %XX.") from error

    def make_form_data_parser(self) -> FormDataParser:
        """A parser that says when a body does not end as it should."""
        parser = super().make_form_data_parser()
        parser.silent = False
        return parser

    def _get_file_stream(self, *_facts: object, **_more: object) -> IO[bytes]:
        """Keep a file in memory while it is small, else on disk. Many at once are no submission."""
        begun: list[IO[bytes]] = self.__dict__.setdefault("_begun", [])
        if len(begun) == MOST_FILES:
            raise Invalid({"resume_file": [phrase("Please send one file only.")]})
        stream = cast(IO[bytes], SpooledTemporaryFile(IN_MEMORY))  # noqa: SIM115 - closed with the request
        begun.append(stream)
        return stream

    def _load_form_data(self) -> None:
        if "form" not in self.__dict__:
            bodies.refuse_other_forms(self)
        try:
            super()._load_form_data()
        except Exception as error:
            for stream in self.__dict__.get("_begun", ()):
                stream.close()
            if isinstance(error, ValueError):
                raise BadRequest("The form is cut off or garbled. Please send it again.") from error
            if isinstance(error, OSError) and error.errno in NO_ROOM:
                raise Unavailable(
                    phrase("There is no room for it right now. Please try again soon.")
                ) from error
            raise
