"""An object storage that takes connections and says nothing holds nobody for long."""

from __future__ import annotations

import io
import socket
from datetime import timedelta

import pytest

from leadintake.core.errors import Unavailable
from leadintake.documents.storage import objects
from leadintake.documents.storage.objects import ObjectStore

MADE = objects.from_url
TOLD = {"timeout": "5s", "connect_timeout": "2s"}
"""As docs/security.md says."""


@pytest.fixture
def silent(monkeypatch):
    """A storage nobody answers for; its own patience, and then a shorter one."""
    given = []

    def make(url, *, client_options, retry_config):
        given.append(({name: client_options[name] for name in TOLD}, retry_config))
        return MADE(
            url,
            client_options={**client_options, "timeout": "200ms"},
            retry_config={**retry_config, "retry_timeout": timedelta(milliseconds=200)},
        )

    monkeypatch.setattr(objects, "from_url", make)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"):
        monkeypatch.setenv(name, "nothing")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{listening.getsockname()[1]}")
        yield ObjectStore("s3://resumes/prefix")
    assert given == [(TOLD, {"max_retries": 1, "retry_timeout": timedelta(seconds=2)})]


@pytest.mark.parametrize(
    "act",
    [
        lambda store: store.save("a.pdf", io.BytesIO(b"x")),
        lambda store: store.open("a.pdf"),
        lambda store: store.delete("a.pdf"),
        lambda store: store.check(),
    ],
    ids=["save", "open", "delete", "check"],
)
def test_a_storage_that_falls_silent_is_given_up_on(silent, act):
    with pytest.raises(Unavailable):
        act(silent)
