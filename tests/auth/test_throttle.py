"""The throttle on signing in: failures count, by account and origin."""

from __future__ import annotations

import pytest
import time_machine

from tests.factories import UserFactory
from tests.support.client import PASSWORD

URL = "/internal/session"
WRONG = "not the password"


@pytest.fixture
def settings() -> dict[str, object]:
    return {"RATE_LIMIT_LOGINS": "3 per minute; 5 per hour"}


@pytest.fixture(autouse=True)
def still():
    """Time stands still until a test moves it."""
    with time_machine.travel("2026-03-01T12:00:00Z", tick=False) as traveller:
        yield traveller


@pytest.fixture
def amara(given):
    return given(UserFactory, email="amara@firm.example.com")


def attempt(client, password=WRONG, email="amara@firm.example.com", address="192.0.2.1", **headers):
    return client.post(
        URL,
        json={"email": email, "password": password},
        environ_base={"REMOTE_ADDR": address},
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )


def test_too_many_failures_are_answered_with_429_and_when_to_come_back(client, amara, still):
    assert [attempt(client).status_code for _ in range(4)] == [401, 401, 401, 429]
    refused = attempt(client, PASSWORD)
    assert refused.status_code == 429
    assert refused.content_type == "application/problem+json"
    still.shift(int(refused.headers["Retry-After"]))
    assert attempt(client, PASSWORD).status_code == 200


def test_the_longer_limit_tells_the_longer_wait(client, amara, still):
    for _ in range(3):
        attempt(client)
    still.shift(61)
    assert [attempt(client).status_code for _ in range(3)] == [401, 401, 429]
    seconds = int(attempt(client).headers["Retry-After"])
    assert seconds > 60
    still.shift(seconds)
    assert attempt(client, PASSWORD).status_code == 200


def test_successes_and_refused_bodies_do_not_count(client, amara):
    for _ in range(6):
        assert attempt(client, PASSWORD).status_code == 200
        assert client.post(URL, json={"email": amara.email}).status_code == 422
    assert attempt(client).status_code == 401


def test_a_success_does_not_forgive_the_failures_before(client, amara):
    assert [attempt(client, p).status_code for p in ("a", "b", PASSWORD, "c", "d")] == [
        401, 401, 200, 401, 429,
    ]  # fmt: skip


def test_another_account_or_another_origin_is_counted_apart(client, amara, given):
    bruno = given(UserFactory)
    for _ in range(4):
        attempt(client)
    assert attempt(client, PASSWORD).status_code == 429
    assert attempt(client, PASSWORD, address="192.0.2.2").status_code == 200
    assert attempt(client, PASSWORD, email=bruno.email).status_code == 200


def test_an_unknown_account_is_throttled_like_a_known_one(client, amara):
    answers = [attempt(client, email="nobody@firm.example.com").status_code for _ in range(4)]
    assert answers == [attempt(client).status_code for _ in range(4)] == [401, 401, 401, 429]


@pytest.mark.parametrize(
    "spelt", ["AMARA@firm.example.com", "\tamara@firm.example.com ", "\uff41mara@firm.example.com"]
)
def test_another_spelling_of_the_account_gains_no_further_guesses(client, amara, spelt):
    for _ in range(3):
        attempt(client)
    assert attempt(client, PASSWORD, email=spelt).status_code == 429


def test_a_forged_forwarding_header_gains_no_further_guesses(client, amara):
    answers = [
        attempt(
            client, X_Forwarded_For=f"198.51.100.{n}", Forwarded=f"for=198.51.100.{n}", X_Real_IP=f"::{n}"
        ).status_code
        for n in range(4)
    ]
    assert answers == [401, 401, 401, 429]


class TestBehindAProxy:
    """With one trusted hop."""

    @pytest.fixture
    def settings(self) -> dict[str, object]:
        return {"RATE_LIMIT_LOGINS": "3 per minute", "TRUSTED_PROXIES": 1}

    @pytest.mark.usefixtures("amara")
    def test_the_address_the_proxy_saw_is_the_origin(self, client):
        for _ in range(4):
            attempt(client, X_Forwarded_For="203.0.113.1")
        assert attempt(client, PASSWORD, X_Forwarded_For="203.0.113.1").status_code == 429
        assert attempt(client, PASSWORD, X_Forwarded_For="203.0.113.2").status_code == 200

    @pytest.mark.usefixtures("amara")
    def test_what_the_client_put_before_it_is_not_believed(self, client):
        answers = [
            attempt(client, X_Forwarded_For=f"198.51.100.{n}, 203.0.113.1").status_code for n in range(4)
        ]
        assert answers == [401, 401, 401, 429]


class TestSwitchedOff:
    """With an empty limit."""

    @pytest.fixture
    def settings(self) -> dict[str, object]:
        return {"RATE_LIMIT_LOGINS": ""}

    @pytest.mark.usefixtures("amara")
    def test_nobody_is_counted(self, client):
        assert {attempt(client).status_code for _ in range(20)} == {401}
