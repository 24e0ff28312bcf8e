"""HTTP client for the OpenID provider: bounded, without redirects."""

from __future__ import annotations

import contextlib
import io
import threading
import time
from collections.abc import Iterator
from typing import Any

import structlog
from authlib.integrations.requests_client import OAuth2Session
from requests import PreparedRequest, RequestException, Response
from requests.adapters import HTTPAdapter
from requests.exceptions import ConnectionError as Broken
from requests.exceptions import ReadTimeout
from urllib3.exceptions import HTTPError

from leadintake.core.errors import Unavailable

CONNECT_SECONDS, SILENT_SECONDS, WHOLE_SECONDS = 3, 5, 10
"""Timeouts: connect, between bytes, whole body."""
AT_ONCE, MAX_WAIT_SECONDS = 8, 2
"""Concurrent requests per process, and seconds that others wait: each holds a thread."""
MAX_BYTES = 512 * 1024
CHUNK_BYTES = 16 * 1024
log = structlog.get_logger()
_gate = threading.BoundedSemaphore(AT_ONCE)


class ProviderAway(Unavailable):
    """The provider is unreachable, or its answer is invalid."""

    def __init__(self) -> None:
        super().__init__(
            "The firm's sign-in service does not answer as it should. Please try again in a moment.",
            retry_after=5,
        )


@contextlib.contextmanager
def open_client(client_id: str, client_secret: str, **options: Any) -> Iterator[Any]:
    """Open an Authlib client for one request. Raises ProviderAway for all errors."""
    with hold(_gate), OAuth2Session(client_id, client_secret or None, **options) as client:
        client.max_redirects = 0  # only the endpoints that discovery names are trusted
        client.headers["Accept-Encoding"] = "identity"
        for scheme in ("https://", "http://"):
            client.mount(scheme, _Bounded())
        try:
            yield client
        except (RequestException, ValueError, TypeError, OverflowError) as error:
            log.warning("oidc_provider_away", error=type(error).__name__, cause=str(error))
            raise ProviderAway from error


@contextlib.contextmanager
def hold(gate: threading.BoundedSemaphore) -> Iterator[None]:
    """Hold the semaphore. Raises ProviderAway after MAX_WAIT_SECONDS."""
    if not gate.acquire(timeout=MAX_WAIT_SECONDS):
        raise ProviderAway
    try:
        yield
    finally:
        gate.release()


class _Bounded(HTTPAdapter):
    """Bounds time and size of a response: timeouts of requests restart with every byte."""

    def send(self, request: PreparedRequest, *_: Any, **options: Any) -> Response:
        options["timeout"] = (CONNECT_SECONDS, SILENT_SECONDS)
        response = super().send(request, **options)
        try:
            body = _read(response.raw)
        except HTTPError as error:
            raise Broken(error, request=request) from error
        finally:
            response.raw.close()
        response.raw = io.BytesIO(body)
        return response


def _read(raw: Any) -> bytes:
    body, end = bytearray(), time.monotonic() + WHOLE_SECONDS
    while chunk := raw.read1(CHUNK_BYTES, decode_content=True):
        body += chunk
        if time.monotonic() > end:
            raise ReadTimeout(f"the answer takes more than {WHOLE_SECONDS} seconds")
        if len(body) > MAX_BYTES:
            raise RequestException(f"the answer has more than {MAX_BYTES} bytes")
    return bytes(body)
