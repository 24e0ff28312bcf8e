"""The request: multipart bodies that are cut or garbled are refused, not guessed at."""

from __future__ import annotations

from flask import Request
from werkzeug.exceptions import BadRequest
from werkzeug.formparser import FormDataParser


class _StrictParser(FormDataParser):
    """A form parser that says when a body does not end as it should."""

    def __init__(self, *arguments: object, **options: object) -> None:
        super().__init__(*arguments, **{**options, "silent": False})  # type: ignore[arg-type] # passed through

    def parse(self, *arguments: object, **options: object) -> tuple[object, object, object]:  # type: ignore[override]
        """Parse, or answer 400."""
        try:
            return super().parse(*arguments, **options)  # type: ignore[arg-type] # passed through
        except (ValueError, UnicodeError) as error:
            raise BadRequest("The form is cut off or garbled. Please send it again.") from error


class IntakeRequest(Request):
    """A request whose forms are parsed strictly."""

    form_data_parser_class = _StrictParser
