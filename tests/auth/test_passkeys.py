"""Passkeys: real ceremonies with a device made of software, and all that is wrong with others."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa
import time_machine
from hypothesis import HealthCheck, given
from hypothesis import strategies as some

from leadintake.audit.models import AuditEntry
from leadintake.auth.models import Passkey, SignedInSession, SpentChallenge, User
from leadintake.auth.passkeys import ceremonies
from leadintake.auth.passkeys.service import MAX_PASSKEYS
from leadintake.core.db.database import db
from leadintake.core.db.transaction import transaction
from leadintake.notifications.models import Notification
from tests.documents.inspection.examples import examples
from tests.factories import UserFactory
from tests.support.authenticator import ORIGIN, Authenticator, Key, b64
from tests.support.client import PASSWORD
from tests.support.waiting import all_at_once

SESSION, MINE = "/internal/session", "/internal/passkeys"
BEGIN, BEGIN_SIGN_IN, SIGN_IN = f"{MINE}/options", f"{SESSION}/passkey/options", f"{SESSION}/passkey"
ON = {"PASSKEYS": True, "PUBLIC_URL": ORIGIN}


@pytest.fixture(name="settings")
def _settings() -> dict[str, object]:
    return ON


@pytest.fixture(autouse=True)
def still():
    """Time stands still until a test moves it."""
    with time_machine.travel("2026-03-01T12:00:00Z", tick=False) as traveller:
        yield traveller


@pytest.fixture(name="make")
def _make(given):
    return given


@pytest.fixture
def amara(make):
    return make(UserFactory, email="amara@firm.example.com")


@pytest.fixture
def device() -> Authenticator:
    return Authenticator()


def add(client, device, name="Desk", **lies):
    options = client.post(BEGIN)
    assert options.status_code == 200, options.text
    return client.post(MINE, json={"name": name, "credential": device.make(options.json, **lies)})


def enter(client, device, key=None, **lies):
    options = client.post(BEGIN_SIGN_IN)
    assert options.status_code == 200, options.text
    return client.post(SIGN_IN, json={"credential": device.show(options.json, key, **lies)})


def reasons(rows) -> list[str]:
    return [json.loads(row.detail)["reason"] for row in rows(AuditEntry) if row.action == "passkey.refused"]


@pytest.fixture
def added(client, browser, amara, device):
    """Amara's device has a passkey; the client is signed in."""
    assert add(client.sign_in(amara), device).status_code == 201
    return device


@pytest.mark.every_engine
def test_a_passkey_is_added_and_signs_in(client, browser, amara, device, rows):
    answer = add(client.sign_in(amara), device, "  Desk ")
    assert answer.status_code == 201
    assert answer.json == {
        "id": str(rows(Passkey)[0].id),
        "name": "Desk",
        "created_at": "2026-03-01T12:00:00Z",
        "last_used_at": None,
    }
    other = browser()
    entered = enter(other, device)
    assert entered.status_code == 200
    assert entered.json["user"]["email"] == amara.email
    other.csrf_token = entered.json["csrf_token"]
    assert other.get(SESSION).json == entered.json
    assert other.get(MINE).json["items"][0]["last_used_at"] == "2026-03-01T12:00:00Z"
    assert rows(SignedInSession)[-1].second_factor
    assert other.delete(SESSION).status_code == 204
    assert "A passkey was added for signing in: Desk." in rows(Notification)[0].text
    assert [row.action for row in rows(AuditEntry)][:3] == ["signed_in", "passkey.added", "signed_in"]


def test_a_browser_is_told_what_to_ask_the_device(client, amara, device):
    options = client.sign_in(amara).post(BEGIN).json
    assert options["rp"] == {"id": "intake.firm.example", "name": "Our Law Firm"}
    assert options["user"] == {"id": b64(amara.id.bytes), "name": amara.email, "displayName": amara.name}
    chosen = options["authenticatorSelection"]
    assert (chosen["residentKey"], chosen["userVerification"]) == ("required", "required")
    assert options["attestation"] == "none"
    assert options["excludeCredentials"] == []
    add(client, device)
    assert [one["id"] for one in client.post(BEGIN).json["excludeCredentials"]] == [b64(device.keys[0].id)]
    asked = client.post(BEGIN_SIGN_IN).json
    assert (asked["rpId"], asked["userVerification"]) == ("intake.firm.example", "required")
    assert asked["allowCredentials"] == []  # which would tell who has one


@pytest.fixture
def uncounted(client, amara) -> Authenticator:
    """Amara's device is one that does not count: nothing but the challenge tells answers apart."""
    device = Authenticator(counts=False)
    assert add(client.sign_in(amara), device).status_code == 201
    return device


def test_an_answer_is_good_once(browser, uncounted, rows):
    shown = {"credential": uncounted.show(browser().post(BEGIN_SIGN_IN).json)}
    assert [browser().post(SIGN_IN, json=shown).status_code for _ in range(3)] == [200, 401, 401]
    assert reasons(rows) == ["not_verified"] * 2
    assert len(rows(SpentChallenge)) == 2  # that of adding it, and that of showing it


@pytest.mark.every_engine
def test_of_many_answers_to_one_challenge_one_signs_in(browser, uncounted):
    options = browser().post(BEGIN_SIGN_IN).json
    answers = [{"credential": uncounted.show(options)} for _ in range(4)]
    found = all_at_once(4, lambda which: browser().post(SIGN_IN, json=answers[which]).status_code)
    assert sorted(found) == [200, 401, 401, 401]


def test_a_challenge_makes_one_passkey(client, amara, device, rows):
    options = client.sign_in(amara).post(BEGIN).json
    made = [{"name": "x", "credential": device.make(options)} for _ in range(3)]
    at_once = all_at_once(2, lambda which: client.post(MINE, json=made[which]).status_code)
    assert min(at_once) == 201
    assert max(at_once) in (403, 422)  # by then the person has a passkey that this request has not proved
    assert client.post(MINE, json=made[2]).status_code == 422
    assert len(rows(Passkey)) == 1


LIES = {
    "page of another site": {"origin": "https://evil.example"},
    "page of another port": {"origin": f"{ORIGIN}:8443"},
    "page in clear": {"origin": "http://intake.firm.example"},
    "key of another site": {"rp_id": "evil.example"},
    "page framed by another": {"framed": True},
    "challenge of nobody": {"instead": b64(bytes(56))},
    "no challenge": {"instead": "A"},
    "challenge that is no base64": {"instead": "\u00e9\u00e9"},
    "device that checked nobody": {"verified": False},
    "device that nobody touched": {"present": False},
    "other ceremony": {"act": "webauthn.other"},
}


@pytest.mark.parametrize("lies", LIES.values(), ids=LIES)
def test_a_passkey_made_otherwise_is_not_kept(client, amara, device, rows, lies):
    answer = add(client.sign_in(amara), device, **lies)
    assert answer.status_code == 422
    assert set(answer.json["errors"]) == {"credential"}
    assert rows(Passkey) == []
    assert rows(SpentChallenge) == []


@pytest.mark.parametrize("lies", LIES.values(), ids=LIES)
def test_a_passkey_shown_otherwise_signs_nobody_in(browser, added, rows, lies):
    answer = enter(browser(), added, **lies)
    assert (answer.status_code, answer.json["title"]) == (401, "Not signed in")
    assert "Set-Cookie" not in answer.headers
    assert reasons(rows) == ["not_verified"]
    assert enter(browser(), added).status_code == 200


def test_every_failure_is_answered_alike(browser, make, added, rows):
    strange = Authenticator()
    strange.keys.append(Key(b64(bytes(16))))
    answers = [
        enter(browser(), strange),
        enter(browser(), added, origin="https://evil.example"),
        enter(browser(), added, Key(added.keys[0].user, id=added.keys[0].id)),
        enter(browser(), added, user=b64(bytes(16))),
    ]
    words = {(one.status_code, one.json["type"], one.json["title"], one.json["detail"]) for one in answers}
    assert len(words) == 1
    assert reasons(rows) == ["unknown", "not_verified", "not_verified", "not_verified"]


def test_a_challenge_is_too_old_after_five_minutes(client, browser, added, still):
    soon, late = (client.post(BEGIN_SIGN_IN).json for _ in range(2))
    still.shift(299)
    assert browser().post(SIGN_IN, json={"credential": added.show(soon)}).status_code == 200
    still.shift(1)
    assert browser().post(SIGN_IN, json={"credential": added.show(late)}).status_code == 401


def test_challenges_that_were_answered_are_forgotten_when_nobody_could_take_them(browser, added, still, rows):
    still.shift(2 * 60 * 60)
    assert len(rows(SpentChallenge)) == 1
    assert enter(browser(), added).status_code == 200
    assert len(rows(SpentChallenge)) == 1


def test_a_challenge_for_adding_signs_nobody_in_nor_does_one_for_signing_in_add(client, browser, added):
    for_adding, for_entering = client.post(BEGIN).json, client.post(BEGIN_SIGN_IN).json
    shown = added.show({"challenge": for_adding["challenge"], "rpId": for_entering["rpId"]})
    assert browser().post(SIGN_IN, json={"credential": shown}).status_code == 401
    made = Authenticator().make({**for_adding, "challenge": for_entering["challenge"]})
    assert client.post(MINE, json={"name": "x", "credential": made}).status_code == 422


def test_a_challenge_given_to_one_adds_no_passkey_to_another(client, browser, amara, make, device, rows):
    bruno = browser().sign_in(make(UserFactory))
    made = device.make(client.sign_in(amara).post(BEGIN).json)
    assert bruno.post(MINE, json={"name": "x", "credential": made}).status_code == 422
    assert rows(Passkey) == []


def test_a_challenge_under_an_earlier_key_is_still_taken(app, client, browser, added):
    options = client.post(BEGIN_SIGN_IN).json
    app.config["SECRET_KEY_FALLBACKS"] = [app.config["SECRET_KEY"]]
    app.config["SECRET_KEY"] = "another secret altogether, of forty letters"
    assert browser().post(SIGN_IN, json={"credential": added.show(options)}).status_code == 200
    app.config["SECRET_KEY_FALLBACKS"] = []
    assert browser().post(SIGN_IN, json={"credential": added.show(options)}).status_code == 401


def test_a_copied_key_is_noticed_by_its_count(browser, added, rows):
    copy = Authenticator()
    copy.keys, copy.count = added.keys, added.count
    assert enter(browser(), added).status_code == 200
    assert enter(browser(), copy).status_code == 401  # it counts to the same number
    assert reasons(rows) == ["cloned"]
    copy.count = -1
    assert enter(browser(), copy).status_code == 401  # and never to none
    assert enter(browser(), added).status_code == 200
    assert rows(Passkey)[0].sign_count == 3


def test_a_device_that_does_not_count_is_let_in(browser, uncounted):
    assert [enter(browser(), uncounted).status_code for _ in range(3)] == [200] * 3


def test_somebody_inactive_is_not_let_in(app, client, browser, amara, added, rows):
    with app.app_context(), transaction():
        db.session.execute(sa.update(User).values(active=False))
    assert enter(browser(), added).status_code == 401
    assert reasons(rows) == ["inactive"]


def test_the_key_of_one_and_the_name_of_another_let_nobody_in(browser, make, added):
    other = Authenticator()
    client = browser().sign_in(make(UserFactory))
    assert add(client, other).status_code == 201
    mixed = [
        enter(browser(), other, Key(added.keys[0].user, other.keys[0].private, other.keys[0].id)),
        enter(browser(), other, Key(added.keys[0].user, other.keys[0].private, added.keys[0].id)),
        enter(browser(), other, Key(other.keys[0].user, other.keys[0].private, added.keys[0].id)),
    ]
    assert [answer.status_code for answer in mixed] == [401] * 3


def test_a_passkey_belongs_to_one(client, browser, make, added, rows):
    other = browser().sign_in(make(UserFactory))
    assert add(other, Authenticator(), id=added.keys[0].id).status_code == 409
    assert add(client, added, id=added.keys[0].id).status_code == 409
    assert len(rows(Passkey)) == 1


def test_a_passkey_that_was_removed_lets_nobody_in(client, browser, added, rows):
    (row,) = client.get(MINE).json["items"]
    assert client.delete(f"{MINE}/{row['id']}").status_code == 204
    assert enter(browser(), added).status_code == 401
    assert client.get(MINE).json == {"items": []}
    assert client.delete(f"{MINE}/{row['id']}").status_code == 404
    assert "A passkey was removed from signing in: Desk." in rows(Notification)[-1].text
    assert "passkey.removed" in [entry.action for entry in rows(AuditEntry)]


def test_nobody_sees_or_removes_the_passkeys_of_others(client, browser, make, added, rows):
    other = browser().sign_in(make(UserFactory, "admin"))
    assert other.get(MINE).json == {"items": []}
    assert other.delete(f"{MINE}/{rows(Passkey)[0].id}").status_code == 404
    assert len(rows(Passkey)) == 1


@pytest.mark.parametrize("act", ["begin", "add", "remove"])
def test_what_one_signs_in_with_is_changed_soon_after_signing_in_only(client, added, still, rows, act):
    made = {"name": "x", "credential": Authenticator().make(client.post(BEGIN).json)}
    still.shift(601)
    answer = {
        "begin": lambda: client.post(BEGIN),
        "add": lambda: client.post(MINE, json=made),
        "remove": lambda: client.delete(f"{MINE}/{rows(Passkey)[0].id}"),
    }[act]()
    assert (answer.status_code, answer.json["type"]) == (403, "urn:leadintake:sign-in-again")


@pytest.mark.parametrize("has", ["app", "passkey"])
def test_who_knows_the_password_alone_neither_adds_nor_removes(app, client, browser, make, has, rows):
    person = make(UserFactory)
    own = browser().sign_in(person)
    assert add(own, Authenticator()).status_code == 201
    if has == "app":
        with app.app_context(), transaction():
            db.session.execute(sa.delete(Passkey))
            user = db.session.scalar(sa.select(User))
            user.totp_secret, user.totp_since = "x", user.created_at
            db.session.execute(sa.update(SignedInSession).values(second_factor=False))
        guesser = own
    else:
        guesser = client.sign_in(person)
    for answer in (
        guesser.post(BEGIN),
        guesser.post(MINE, json={"name": "x", "credential": Authenticator().make(_any_options(person))}),
        guesser.delete(f"{MINE}/{person.id}"),
    ):
        assert (answer.status_code, answer.json["type"]) == (403, "urn:leadintake:second-factor-wanted")
    assert len(rows(Passkey)) == (has == "passkey")


def _any_options(person):
    return {"challenge": "", "rp": {"id": "x"}, "user": {"id": b64(person.id.bytes)}}


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "a\u202eb", "a\x07"])
def test_a_name_has_some_characters_that_can_be_shown(client, amara, device, rows, name):
    answer = add(client.sign_in(amara), device, name)
    assert answer.status_code == 422
    assert set(answer.json["errors"]) == {"name"}
    assert rows(Passkey) == []


def test_nobody_collects_passkeys_without_end(app, client, amara, added, rows):
    with app.app_context(), transaction():
        for number in range(MAX_PASSKEYS - 2):
            found = {"name": "x", "credential_id": "AA", "public_key": "AA", "sign_count": 0}
            db.session.add(Passkey(user_id=amara.id, credential_hash=str(number), **found))
    assert [add(client, added).status_code for _ in range(2)] == [201, 409]
    assert len(rows(Passkey)) == MAX_PASSKEYS


def test_adding_and_removing_need_the_token_of_the_session(client, added, rows):
    made = Authenticator().make(client.post(BEGIN).json)
    client.csrf_token = None
    assert client.post(BEGIN).status_code == 403
    assert client.post(MINE, json={"name": "x", "credential": made}).status_code == 403
    assert client.delete(f"{MINE}/{rows(Passkey)[0].id}").status_code == 403


@pytest.mark.parametrize("path", [BEGIN_SIGN_IN, SIGN_IN])
def test_a_page_of_another_site_signs_nobody_in(client, path):
    assert client.post(path, json={}, headers={"Origin": "https://evil.example"}).status_code == 403


def test_a_passkey_signs_in_where_the_password_asks_for_a_code(app, client, browser, make, device):
    person = make(UserFactory)
    assert add(client.sign_in(person), device).status_code == 201
    with app.app_context(), transaction():
        db.session.execute(sa.update(User).values(totp_secret="x", totp_since=sa.func.current_timestamp()))
    asked = browser().post(SESSION, json={"email": person.email, "password": PASSWORD})
    assert asked.json["type"] == "urn:leadintake:code-wanted"
    assert enter(browser(), device).status_code == 200


def test_a_browser_that_came_in_is_known_from_then_on(browser, added):
    client = browser()
    answer = enter(client, added)
    assert any(cookie.startswith("leadintake-device-") for cookie in answer.headers.getlist("Set-Cookie"))


class TestRequired:
    """With a role that must prove more than a password."""

    @pytest.fixture(name="settings")
    def _settings(self) -> dict[str, object]:
        return {**ON, "REQUIRE_MFA": ["manager"]}

    def test_a_passkey_is_all_that_is_wanted(self, client, browser, make, device):
        client.sign_in(make(UserFactory, "manager"))
        assert client.get("/internal/leads").status_code == 403
        assert add(client, device).status_code == 201
        assert client.get("/internal/leads").status_code == 200
        other = browser()
        assert enter(other, device).status_code == 200
        assert other.get("/internal/leads").status_code == 200

    def test_the_password_of_somebody_with_a_passkey_is_not_enough(self, client, browser, make, device):
        person = make(UserFactory, "manager")
        assert add(client.sign_in(person), device).status_code == 201
        assert browser().sign_in(person).get("/internal/leads").status_code == 403


class TestGuessing:
    """With limits on signing in."""

    @pytest.fixture(name="settings")
    def _settings(self) -> dict[str, object]:
        return {**ON, "RATE_LIMIT_LOGINS": "3 per minute"}

    def test_failures_count_and_successes_do_not(self, browser, added):
        assert [enter(browser(), added).status_code for _ in range(5)] == [200] * 5
        lies = {"origin": "https://evil.example"}
        assert [enter(browser(), added, **lies).status_code for _ in range(4)] == [401, 401, 401, 429]
        assert enter(browser(), added).status_code == 429

    def test_passkeys_of_nobody_count_too(self, browser, added):
        strange = Authenticator()
        strange.keys.append(Key(b64(bytes(16))))
        assert [enter(browser(), strange).status_code for _ in range(4)] == [401, 401, 401, 429]
        assert enter(browser(), added).status_code == 200


class TestOff:
    """As long as nobody switches them on."""

    @pytest.fixture(name="settings")
    def _settings(self) -> dict[str, object]:
        return {}

    def test_there_are_no_such_addresses(self, client, amara):
        client.sign_in(amara)
        for method, path in (
            ("GET", MINE),
            ("POST", BEGIN),
            ("POST", MINE),
            ("DELETE", f"{MINE}/{amara.id}"),
            ("POST", BEGIN_SIGN_IN),
            ("POST", SIGN_IN),
        ):
            assert client.open(path, method=method).status_code == 404, path


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("https://Intake.Firm.example/", "https://intake.firm.example"),
        ("https://intake.firm.example:443", "https://intake.firm.example"),
        ("https://intake.firm.example:8443", "https://intake.firm.example:8443"),
        ("http://localhost:80", "http://localhost"),
        ("http://localhost:8000", "http://localhost:8000"),
    ],
)
def test_the_origin_is_written_as_browsers_write_it(app, address, origin):
    app.config["PUBLIC_URL"] = address
    with app.app_context():
        assert ceremonies._origin() == origin


ANYTHING = some.recursive(
    some.none()
    | some.booleans()
    | some.integers()
    | some.floats(allow_nan=False, allow_infinity=False)
    | some.text(),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(), inner, max_size=3),
    max_leaves=8,
)
TEXTS = some.text(max_size=40) | some.binary(max_size=120).map(b64)


def _like(**response):
    return some.fixed_dictionaries(
        {
            "id": TEXTS,
            "rawId": TEXTS,
            "type": some.just("public-key"),
            "response": some.fixed_dictionaries({name: kind | ANYTHING for name, kind in response.items()}),
        }
    )


FEW = examples(60, suppress_health_check=list(HealthCheck))
NEW = _like(clientDataJSON=TEXTS, attestationObject=TEXTS)
SHOWN = _like(clientDataJSON=TEXTS, authenticatorData=TEXTS, signature=TEXTS, userHandle=TEXTS)


@FEW
@given(credential=ANYTHING | SHOWN)
def test_no_credential_is_too_much_when_shown(browser, added, credential):
    mine = {**credential, "id": b64(added.keys[0].id)} if isinstance(credential, dict) else credential
    for one in (credential, mine):
        assert browser().post(SIGN_IN, json={"credential": one}).status_code in (401, 422)


@FEW
@given(credential=ANYTHING | NEW)
def test_no_credential_is_too_much_when_made(client, added, credential):
    assert client.post(MINE, json={"name": "x", "credential": credential}).status_code == 422


@FEW
@given(
    attestation=some.binary(max_size=300), known=some.binary(max_size=200), signature=some.binary(max_size=80)
)
def test_nothing_that_answers_a_challenge_is_too_much(client, browser, added, attestation, known, signature):
    made = Authenticator().make(client.post(BEGIN).json)
    made["response"]["attestationObject"] = b64(attestation)
    assert client.post(MINE, json={"name": "x", "credential": made}).status_code == 422
    shown = added.show(client.post(BEGIN_SIGN_IN).json)
    shown["response"].update(authenticatorData=b64(known), signature=b64(signature))
    assert browser().post(SIGN_IN, json={"credential": shown}).status_code == 401


@pytest.mark.parametrize(
    "member", ["id", "rawId", "clientDataJSON", "authenticatorData", "signature", "userHandle"]
)
def test_what_is_larger_than_any_real_one_is_refused_unread(client, browser, added, member):
    shown = added.show(client.post(BEGIN_SIGN_IN).json)
    (shown if member in shown else shown["response"])[member] = "A" * 70_000
    assert browser().post(SIGN_IN, json={"credential": shown}).status_code == 413
