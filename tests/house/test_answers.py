"""Limits that hold for every answer of every route."""

from __future__ import annotations

import msgspec
import pytest

from leadintake.auth.devices import remember_device
from leadintake.auth.proofs import SsoStart
from leadintake.auth.sso import PURPOSE, Journey
from leadintake.core.keys import seal
from tests.house.test_headers import addresses

MOST_OF_A_COOKIE = 4096
"""Bytes of name and value that browsers keep (RFC 6265, 6.1)."""


def test_no_route_gives_back_what_was_sent_to_it(app, client):
    for _, path in addresses(app):
        answer = client.open(path, method="TRACE", headers={"X-Secret": "do not echo"})
        assert answer.status_code in (404, 405), path
        assert b"do not echo" not in answer.data


@pytest.mark.parametrize("letter", ["a", "\u00e9", "\U0001f600", '"'])
def test_no_cookie_is_larger_than_browsers_keep(app, letter):
    longest = msgspec.inspect.type_info(SsoStart).fields[0].type.max_length
    text = "x" * 43
    journey = Journey(text, text, text, "/" + letter * (longest - 1), 1_900_000_000.123)
    account = f"{letter * 64}@{letter * 189}"
    with app.test_request_context():
        sealed = seal(PURPOSE, msgspec.json.encode(journey).decode())
        answer = app.make_response("")
        remember_device(answer, account)
    pair = answer.headers["Set-Cookie"].partition(";")[0]
    assert len(f"__Host-leadintake-sso={sealed}") <= MOST_OF_A_COOKIE
    assert len(pair) <= MOST_OF_A_COOKIE
