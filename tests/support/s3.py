"""An S3 of our own (moto), and the environment in which it is found."""

from __future__ import annotations

import http.client
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

QUIET = (
    # moto's own modules call what newer versions of their libraries have renamed
    "ignore::DeprecationWarning:(moto|botocore|werkzeug|responses).*",
    # moto keeps uploads in temporary files that nobody closes
    "ignore:unclosed file:ResourceWarning",
)


@contextmanager
def own_s3() -> Iterator[str]:
    """The address of a server in a thread."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def make_bucket(address: str, name: str) -> None:
    """Forget all there was, and make an empty bucket."""
    for method, path in (("POST", "/moto-api/reset"), ("PUT", f"/{name}")):
        connection = http.client.HTTPConnection(urlsplit(address).netloc)
        connection.request(method, path)
        assert connection.getresponse().status == 200
        connection.close()


def found_at(address: str) -> dict[str, str]:
    """The variables by which a program finds it."""
    return {
        "AWS_ENDPOINT_URL": address,
        "AWS_ACCESS_KEY_ID": "nobody",
        "AWS_SECRET_ACCESS_KEY": "nothing",
        "AWS_REGION": "us-east-1",
    }
