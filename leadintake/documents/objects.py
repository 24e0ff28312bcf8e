"""Files in an object storage: S3, Google Cloud Storage, Azure."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import IO, Any, cast

import obstore
import structlog
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import from_url

from leadintake.core.clock import now
from leadintake.core.errors import Unavailable

UPLOAD_TAKES_AT_MOST = timedelta(hours=1)
log = structlog.get_logger()


class ObjectStore:
    """A bucket (and prefix). An object is complete or absent: a put is one request, answered when durable."""

    def __init__(self, url: str) -> None:
        self.url = url

    @functools.cached_property
    def _store(self) -> Any:
        # Made at the first use: a client made before a fork hangs in the child.
        plain = os.environ.get("AWS_ENDPOINT_URL", "").startswith("http://")
        return from_url(
            self.url,
            client_options={"timeout": "5s", "connect_timeout": "2s", "allow_http": plain},
            retry_config={"max_retries": 1, "retry_timeout": timedelta(seconds=2)},
        )

    def save(self, key: str, stream: IO[bytes]) -> Callable[[], None]:
        """Put the object."""
        with _as_unavailable("store"):
            obstore.put(self._store, key, stream, use_multipart=False)
        return lambda: None

    def open(self, key: str) -> IO[bytes]:
        """A reader that fetches what is read."""
        try:
            with _as_unavailable("open"):
                return cast("IO[bytes]", obstore.open_reader(self._store, key))
        except NotFoundError as error:
            raise FileNotFoundError(key) from error

    def delete(self, key: str) -> None:
        """Remove the object."""
        with _as_unavailable("delete"), contextlib.suppress(NotFoundError):
            obstore.delete(self._store, key)

    def names(self) -> Iterator[str]:
        """Every key below the prefix."""
        with _as_unavailable("list"):
            for batch in obstore.list(self._store):
                yield from (entry["path"] for entry in batch)

    def delete_unless(self, key: str, owned: Callable[[], bool]) -> bool:
        """Leave young objects alone: an object storage knows no locks, and their row may be on its way."""
        with _as_unavailable("delete"):
            age = now() - obstore.head(self._store, key)["last_modified"]
            if age < UPLOAD_TAKES_AT_MOST or owned():
                return False
            obstore.delete(self._store, key)
        return True

    def check(self) -> None:
        """List the first objects."""
        with _as_unavailable("check"):
            next(iter(obstore.list(self._store)), None)


@contextlib.contextmanager
def _as_unavailable(act: str) -> Iterator[None]:
    try:
        yield
    except NotFoundError:
        raise
    except BaseError as error:
        log.error("storage_failed", act=act, error=str(error).partition("\n")[0])  # noqa: TRY400 - cause is in it
        raise Unavailable("The file storage does not answer. Please try again soon.") from error
