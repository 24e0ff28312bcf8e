"""gzip, for answers that hold no secret beside text that a stranger can choose (BREACH)."""

from __future__ import annotations

import functools
import gzip
from collections.abc import Callable

from flask import Response, make_response, request
from flask.typing import ResponseReturnValue

LEVEL = 6


def compressed(view: Callable[..., ResponseReturnValue]) -> Callable[..., Response]:
    """Compress the view's answer. Only for pages without a session."""

    @functools.wraps(view)
    def answer(**arguments: object) -> Response:
        response = make_response(view(**arguments))
        negotiate(response, lambda: gzip.compress(response.get_data(), LEVEL, mtime=0))
        return response

    return answer


def negotiate(response: Response, compress: Callable[[], bytes]) -> None:
    """Compress the content if the client accepts gzip (RFC 9110, 12.5.3)."""
    response.vary.add("Accept-Encoding")
    if request.accept_encodings["gzip"]:
        response.data = compress()
        response.content_encoding = "gzip"
