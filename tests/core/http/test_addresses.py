"""One subscriber is one address, however it is written, and for every limit."""

from __future__ import annotations

import pytest

from leadintake.core.http.addresses import NOWHERE, client_key
from leadintake.core.http.incomplete_bodies import IncompleteBodies, Sender, TooManyBodies


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.7", "192.0.2.7"),
        (" 192.0.2.7 ", "192.0.2.7"),
        ("192.0.2.7:50123", "192.0.2.7"),
        ("[192.0.2.7]", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("[::ffff:c000:207]:443", "192.0.2.7"),
        ("::ffff:0:192.0.2.7", "192.0.2.7"),
        ("64:ff9b::192.0.2.7", "192.0.2.7"),
        ("2002:c000:207:abcd::1", "192.0.2.7"),
        ("2001:0:4136:e378:8000:63bf:3fff:fdf8", "192.0.2.7"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::9]:443", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("[fe80::2%25wlan0]:80", "fe80::/64"),
        ("::1", "::/64"),
    ],
)
def test_an_address_is_counted_by_its_subscriber(address, key):
    assert client_key(address) == key


@pytest.mark.parametrize(
    "text", ["", "unknown", "unix:", "_hidden", "192.0.2.999", "1.2.3", "\u0661.2.3.4", "x" * 9000]
)
def test_what_is_no_address_is_all_one(text):
    assert client_key(text) == NOWHERE


class TestLimits:
    @pytest.fixture
    def settings(self):
        return {"RATE_LIMIT_SUBMISSIONS": "2 per minute", "RATE_LIMIT_LOGINS": "2 per minute"}

    SAME = ("2001:db8::1", "2001:db8::ffff:2", "2001:db8:0:0:abcd::3")

    def test_submissions_of_one_network_are_counted_together(self, client):
        found = []
        for address in self.SAME:
            client.environ_base["REMOTE_ADDR"] = address
            found.append(client.submit())
        assert [answer.status_code for answer in found] == [201, 201, 429]
        client.environ_base["REMOTE_ADDR"] = "2001:db8:0:1::1"
        assert client.submit().status_code == 201

    def test_a_mapped_address_is_no_second_one(self, client):
        found = []
        for address in ("192.0.2.7", "::ffff:192.0.2.7", "::ffff:c000:207"):
            client.environ_base["REMOTE_ADDR"] = address
            found.append(client.submit().status_code)
        assert found == [201, 201, 429]

    def test_sign_ins_are_counted_alike(self, client):
        found = []
        for address in self.SAME:
            client.environ_base["REMOTE_ADDR"] = address
            wrong = {"email": "ada@example.com", "password": "wrong"}
            found.append(client.post("/internal/session", json=wrong).status_code)
        assert found == [401, 401, 429]

    def test_unfinished_bodies_are_counted_alike(self):
        bodies = IncompleteBodies(per_sender=2, threads=64)
        for address in self.SAME[:2]:
            bodies.admit(Sender(client_key(address)))
        with pytest.raises(TooManyBodies):
            bodies.admit(Sender(client_key(self.SAME[2])))
