"""The throttle on signing in: failures count, by account and origin."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
import time_machine

from leadintake import create_app
from leadintake.auth.models import SignInAttempt
from leadintake.core.db.database import db
from tests.factories import UserFactory
from tests.support.client import PASSWORD, Client, device_cookie_of
from tests.support.lanes import all_turns_taken
from tests.support.waiting import all_at_once

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


def test_a_success_does_not_forgive_the_failures_before(browser, amara):
    assert [attempt(browser(), p).status_code for p in ("a", "b", PASSWORD, "c", "d")] == [
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


def test_a_device_the_account_knows_goes_on_while_strangers_fail_beside_it(browser, amara):
    desk, stranger = browser(), browser()
    assert attempt(desk, PASSWORD).status_code == 200
    assert [attempt(stranger).status_code for _ in range(20)].count(429) == 17
    assert desk.get(URL).status_code == 200
    assert attempt(desk, PASSWORD).status_code == 200
    assert attempt(stranger, PASSWORD).status_code == 429


def test_a_known_device_has_its_own_bound_and_cannot_be_forged(browser, amara, given):
    desk = browser()
    assert attempt(desk, PASSWORD).status_code == 200
    assert [attempt(desk).status_code for _ in range(4)] == [401, 401, 401, 429]
    other = browser()
    other.sign_in(given(UserFactory, email="bruno@firm.example.com"))
    theirs = other.get_cookie(device_cookie_of("bruno@firm.example.com")).value
    for value in ("x", theirs, desk.get_cookie("leadintake").value):
        forger = browser()
        forger.set_cookie(device_cookie_of(amara.email), value)
        attempt(forger, address="192.0.2.9")
    assert attempt(browser(), PASSWORD, address="192.0.2.9").status_code == 429  # all three were one stranger


def test_guessing_from_many_addresses_waits_longer_and_longer_and_is_bounded(browser, amara, still):
    waits = []
    for number in range(30):
        answer = attempt(browser(), address=f"198.51.100.{number}")
        if answer.status_code == 429:
            waits.append(int(answer.headers["Retry-After"]))
            still.shift(waits[-1])
            assert attempt(browser(), address=f"198.51.100.{number}").status_code == 401
    assert waits[:7] == [1, 2, 4, 8, 16, 32, 60]
    assert set(waits[7:]) == {60}


def test_guessing_one_password_for_everybody_waits_too(browser, still):
    answers = [attempt(browser(), email=f"person{number}@firm.example.com") for number in range(17)]
    assert [answer.status_code for answer in answers] == [401] * 15 + [429] * 2
    assert attempt(browser(), email="yet@firm.example.com", address="192.0.2.2").status_code == 401
    still.shift(int(answers[-1].headers["Retry-After"]))
    assert attempt(browser(), email="another@firm.example.com").status_code == 401
    assert attempt(browser(), email="one.more@firm.example.com").headers["Retry-After"] == "2"


def test_strangers_behind_the_same_address_do_not_keep_a_known_device_waiting(browser, amara, still):
    desk = browser()
    assert attempt(desk, PASSWORD).status_code == 200
    for number in range(30):
        attempt(browser(), email=f"person{number}@firm.example.com")
    assert attempt(browser(), PASSWORD).status_code == 429
    assert attempt(desk, PASSWORD).status_code == 200


def test_two_people_at_one_computer_are_both_known(browser, amara, given):
    shared, bruno = browser(), given(UserFactory, email="bruno@firm.example.com")
    for person in (amara, bruno):
        assert attempt(shared, PASSWORD, email=person.email).status_code == 200
    for _ in range(4):
        attempt(browser())
        attempt(browser(), email=bruno.email)
    assert [attempt(shared, PASSWORD, email=one.email).status_code for one in (amara, bruno)] == [200, 200]


def test_a_device_stays_known_when_the_key_is_rotated(app, browser, amara):
    desk = browser()
    assert attempt(desk, PASSWORD).status_code == 200
    app.config["SECRET_KEY_FALLBACKS"] = [app.config["SECRET_KEY"]]
    app.config["SECRET_KEY"] = "another secret altogether, of forty letters"
    for _ in range(4):
        attempt(browser())
    assert attempt(desk, PASSWORD).status_code == 200


def test_addresses_written_as_ipv6_are_told_apart(browser, amara):
    for _ in range(4):
        attempt(browser(), address="::ffff:203.0.113.5")
    assert attempt(browser(), PASSWORD, address="203.0.113.5").status_code == 429
    assert attempt(browser(), PASSWORD, address="::ffff:198.51.100.5").status_code == 200


def test_a_clock_that_was_wrong_keeps_nobody_waiting_for_long(browser, amara, still):
    for _ in range(4):
        attempt(browser())
    still.shift(-24 * 60 * 60)
    assert attempt(browser(), PASSWORD).status_code == 200


@pytest.mark.parametrize("path", ["/account/x", "/internal/session/sso/callback?code=x&state=y"])
def test_what_any_page_can_make_a_browser_do_counts_for_nothing(browser, amara, path, rows):
    for _ in range(9):
        browser().get(path, headers={"Sec-Fetch-Site": "cross-site"})
    assert rows(SignInAttempt) == []


def test_one_subscriber_has_one_ipv6_network(browser, amara):
    answers = [attempt(browser(), address=f"2001:db8:1:2::{number}").status_code for number in range(4)]
    assert answers == [401, 401, 401, 429]
    assert attempt(browser(), address="2001:db8:1:3::1").status_code == 401


@pytest.mark.every_engine
def test_the_count_survives_a_restart_and_is_shared(app, browser, amara, settings, tmp_path):
    for _ in range(3):
        attempt(browser())
    again = create_app(
        **settings,
        INSTANCE_PATH=app.config["INSTANCE_PATH"],
        DATABASE_URL=app.config["DATABASE_URL"],
        WORKER="external",
    )
    again.test_client_class = Client
    assert attempt(again.test_client(), PASSWORD).status_code == 429
    with again.app_context():
        db.engine.dispose()


@pytest.mark.every_engine
def test_a_burst_of_guesses_gains_nothing(browser, amara):
    answers = all_at_once(12, lambda _: attempt(browser()).status_code)
    assert sorted(answers) == [401] * 3 + [429] * 9


def test_what_is_kept_of_an_attempt_names_nobody(browser, amara, rows):
    attempt(browser())
    kept = rows(SignInAttempt)
    assert len(kept) == 3
    assert all(len(row.key) == 64 and "amara" not in row.key for row in kept)


def test_old_attempts_are_forgotten(browser, amara, rows, still):
    attempt(browser())
    still.shift(3601)
    attempt(browser())
    assert len(rows(SignInAttempt)) == 3


def test_an_attempt_that_could_not_be_judged_is_not_counted(browser, amara, rows, monkeypatch):
    with all_turns_taken(monkeypatch, most_strangers=1):
        assert [attempt(browser()).status_code for _ in range(4)] == [503] * 4
    assert rows(SignInAttempt) == []


EVERYWHERE = [f"198.51.100.{number}" for number in range(1, 250)]
STRANGERS = {
    "at the same address": lambda browser: [attempt(browser()) for _ in range(20)],
    "from everywhere": lambda browser: [attempt(browser(), address=one) for one in EVERYWHERE[:40]],
    "for everybody, from the same address": lambda browser: [
        attempt(browser(), email=f"person{number}@firm.example.com") for number in range(30)
    ],
    "for nobody's accounts, from everywhere": lambda browser: [
        attempt(browser(), email="nobody@firm.example.com", address=one) for one in EVERYWHERE[:40]
    ],
    "with cookies that are none": lambda browser: [forging(browser()) for _ in range(20)],
    "who forgot the password": lambda browser: [forget(browser()) for _ in range(20)],
}


def forging(client):
    """An attempt with a cookie that looks like that of a known device."""
    client.set_cookie(device_cookie_of("amara@firm.example.com"), "WyJhbWFyYUBmaXJt.x.y")
    return attempt(client)


def forget(client, door="/internal/password/forgotten"):
    told = {"email": "amara@firm.example.com"}
    body = {"json": told} if door.startswith("/internal") else {"data": told}
    return client.post(door, environ_base={"REMOTE_ADDR": "192.0.2.1"}, **body)


@pytest.mark.parametrize("strangers", STRANGERS)
def test_no_stranger_keeps_a_known_device_waiting_at_any_door(browser, amara, strangers):
    desk = browser()
    desk.csrf_token = attempt(desk, PASSWORD).json["csrf_token"]
    assert {one.status_code for one in STRANGERS[strangers](browser)} >= {429}
    assert attempt(desk, PASSWORD).status_code == 200
    form = {"email": amara.email, "password": PASSWORD}
    assert desk.post("/desk/sign-in", data=form, environ_base={"REMOTE_ADDR": "192.0.2.1"}).status_code == 303
    assert forget(desk).status_code == 202
    assert forget(desk, "/desk/forgotten").status_code == 200
    desk.csrf_token = desk.get(URL).json["csrf_token"]
    body = {"current_password": WRONG, "new_password": "quite different words"}
    answer = desk.put("/internal/password", json=body, environ_base={"REMOTE_ADDR": "192.0.2.1"})
    assert answer.status_code == 422  # judged, not throttled


def test_somebody_signed_in_without_the_cookie_of_a_device_is_counted_apart_too(browser, amara):
    program = browser()
    program.csrf_token = attempt(program, PASSWORD).json["csrf_token"]
    program.delete_cookie(device_cookie_of(amara.email))
    for _ in range(20):
        attempt(browser())
    body = {"current_password": PASSWORD, "new_password": "quite different words"}
    place = {"REMOTE_ADDR": "192.0.2.1"}
    assert program.put("/internal/password", json=body, environ_base=place).status_code == 200


def test_who_must_wait_is_told_so_without_a_lock(app, browser, amara):
    for _ in range(3):
        attempt(browser())
    written = []
    with app.app_context():
        sa.event.listen(
            db.engine,
            "before_cursor_execute",
            lambda *told: (
                written.append(told[2]) if told[2].startswith(("UPDATE", "INSERT", "DELETE")) else 0
            ),
        )
        assert attempt(browser()).status_code == 429
    assert written == []


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
