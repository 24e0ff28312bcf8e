"""What is sent compressed, and what never is."""

from __future__ import annotations

import gzip
import re

import pytest

GZIP = {"Accept-Encoding": "gzip, br"}


@pytest.fixture
def open_pages(client) -> list[str]:
    """Pages without a session."""
    thanks = client.submit(accept="text/html").headers["Location"]
    return ["/", thanks, "/docs", "/openapi.json"]


def _text(content: bytes) -> str:
    """Without what differs each time."""
    return re.sub(r'value="[^"]*"', "", content.decode())


def test_pages_without_a_session_are_sent_compressed(client, open_pages):
    for path in open_pages:
        plain, packed = client.get(path), client.get(path, headers=GZIP)
        assert (packed.status_code, packed.headers["Content-Encoding"]) == (200, "gzip"), path
        assert _text(gzip.decompress(packed.data)) == _text(plain.data), path
        assert int(packed.headers["Content-Length"]) == len(packed.data) < 0.7 * len(plain.data), path


def test_who_takes_no_gzip_is_sent_none_and_caches_know_of_the_difference(client, open_pages):
    for path in open_pages:
        for accepted in ("", "br", "gzip;q=0"):
            answer = client.get(path, headers={"Accept-Encoding": accepted})
            assert "Content-Encoding" not in answer.headers, (path, accepted)
            assert "accept-encoding" in answer.headers["Vary"].lower(), path


def test_a_page_with_a_session_never_is(client, ada):
    """It has the session's token and words of strangers: their lengths together would tell the token."""
    client.sign_in(ada)
    for path in ("/desk", "/desk/account", "/internal/leads", "/internal/session"):
        answer = client.get(path, headers=GZIP)
        assert (answer.status_code, answer.headers.get("Content-Encoding")) == (200, None), path
