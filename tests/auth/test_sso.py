"""Single sign-on against a real provider on a thread, honest and otherwise."""

from __future__ import annotations

import contextlib
import json
import threading
from urllib.parse import parse_qs, parse_qsl, urlsplit

import hypothesis
import pytest
import requests
import sqlalchemy as sa
import time_machine
from hypothesis import HealthCheck
from hypothesis import strategies as some
from joserfc.jwk import RSAKey

from leadintake.audit.models import AuditEntry
from leadintake.auth.models import SignedInSession, User
from leadintake.auth.permissions import Role
from leadintake.auth.sessions import devices
from leadintake.auth.sso import client as oidc_client
from leadintake.auth.sso import service as sso
from leadintake.core.db.database import db
from leadintake.notifications.models import Notification
from tests.documents.inspection.examples import examples
from tests.factories import UserFactory
from tests.support.client import device_cookie_of
from tests.support.oidc import (
    AUTHORIZE,
    CLIENT_ID,
    CLIENT_SECRET,
    DISCOVERY,
    EC,
    JWKS,
    RSA,
    TOKEN,
    oidc_provider,
    signed,
    signed_with_public_key,
    unsigned,
)
from tests.support.waiting import WAIT_SECONDS, all_at_once

SESSION, START = "/internal/session", "/internal/session/sso"
CALLBACK = f"{START}/callback"
COOKIE = "leadintake-sso"
AMARA = "amara@firm.example.com"


@pytest.fixture
def provider():
    with oidc_provider() as found:
        found.person = {"email": AMARA, "email_verified": True}
        yield found


@pytest.fixture
def settings(provider) -> dict[str, object]:
    return {
        "OIDC_ISSUER": provider.issuer,
        "OIDC_CLIENT_ID": CLIENT_ID,
        "OIDC_CLIENT_SECRET": CLIENT_SECRET,
    }


@pytest.fixture
def amara(given):
    return given(UserFactory, email=AMARA)


def begin(client, **query):
    answer = client.get(START, query_string=query)
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"]


def agree(address: str) -> str:
    """Sign in at the provider: the path and query the browser is sent back to."""
    answer = requests.get(address, allow_redirects=False, timeout=10)
    assert answer.status_code == 302, answer.text
    back = urlsplit(answer.headers["Location"])
    assert (back.scheme, back.netloc, back.path) == ("http", "127.0.0.1:8000", CALLBACK)
    return f"{back.path}?{back.query}"


def enter(client, **query):
    """There and back."""
    return client.get(agree(begin(client, **query)))


ASTRAY = {"not_begun_here", "state_differs", "too_late"}
"""What any page can bring about: a line of the log, and no entry that strangers could pile up."""


def refused(answer, rows, reason: str) -> bool:
    """Whether nobody came in, for this reason."""
    assert (answer.status_code, answer.json["title"]) == (401, "Not signed in"), answer.text
    assert rows(SignedInSession) == []
    cookies = answer.headers.getlist("Set-Cookie")
    assert [cookie.partition("=")[0] for cookie in cookies] == [COOKIE]
    found = [entry for entry in rows(AuditEntry) if entry.action == "sso.refused"]
    if reason in ASTRAY:
        return found == []
    assert found[-1].actor_kind == "anybody"
    return json.loads(found[-1].detail) == {"reason": reason}


def test_somebody_known_comes_in(client, amara, rows, provider):
    address = begin(client)
    assert address.startswith(provider.issuer + AUTHORIZE)
    answer = client.get(agree(address))
    assert (answer.status_code, answer.headers["Location"]) == (303, "/docs")
    assert client.get_cookie("leadintake").http_only
    assert client.get_cookie(COOKIE) is None
    assert client.get(SESSION).json["user"]["email"] == amara.email
    assert [row.second_factor for row in rows(SignedInSession)] == [False]
    (entry,) = rows(AuditEntry)
    assert (entry.action, entry.actor_id) == ("signed_in", amara.id)
    assert json.loads(entry.detail) == {"how": "sso", "second_factor": False}
    assert client.get_cookie(device_cookie_of(amara.email)) is not None


@pytest.mark.every_engine
def test_many_come_in_at_once(browser, amara, rows):
    ready = [(client := browser(), agree(begin(client))) for _ in range(6)]
    answers = all_at_once(6, lambda which: ready[which][0].get(ready[which][1]).status_code)
    assert answers == [303] * 6
    assert len(rows(SignedInSession)) == 6
    assert [client.get(SESSION).status_code for client, _ in ready] == [200] * 6


@pytest.mark.every_engine
def test_the_provider_is_asked_while_nothing_of_the_database_is_held(app, client, amara, provider):
    with app.app_context():
        pool = db.engine.pool
    held = []
    provider.at_token = lambda: held.append(pool.checkedout())
    assert enter(client).status_code == 303
    assert held == [0]


def test_who_was_invited_joins_by_coming_in(client, given, rows):
    given(UserFactory, email=AMARA, joined_at=None, password_hash="")
    assert enter(client).status_code == 303
    assert rows(User)[0].joined_at is not None


def test_the_session_there_was_is_over(client, amara, given, rows):
    client.sign_in(given(UserFactory))
    assert enter(client).status_code == 303
    assert [row.user_id for row in rows(SignedInSession)] == [amara.id]


@pytest.mark.parametrize("email", ["AMARA@firm.example.com", " amara@Firm.Example.com "])
def test_an_address_is_the_same_in_capitals(client, amara, provider, email):
    provider.person["email"] = email
    assert enter(client).status_code == 303


OTHERS = {
    "unknown": "nobody@firm.example.com",
    "wide letters": "\uff41mara@firm.example.com",
    "ligature": "amara@\ufb01rm.example.com",
    "Kelvin": "\u212aelvin@firm.example.com",
    "ss": "straße@firm.example.com",
    "NUL": "amara@firm.example.com\x00",
    "surrogate": "amara@firm.example.com\ud800",
    "empty": "",
}


@pytest.mark.parametrize("email", OTHERS.values(), ids=OTHERS)
def test_an_address_that_only_looks_like_one_is_nobodys(client, amara, given, provider, rows, email):
    for known in ("kelvin", "strasse"):
        given(UserFactory, email=f"{known}@firm.example.com")
    provider.person["email"] = email
    answer = enter(client)
    assert refused(answer, rows, "unknown")
    assert "invite" in answer.json["detail"]
    assert len(rows(User)) == 3


@pytest.mark.parametrize("verified", [None, False, "true", 1, [True], "yes"])
def test_an_address_the_provider_has_not_verified_counts_for_nothing(client, amara, provider, rows, verified):
    provider.lies["email_verified"] = verified
    assert refused(enter(client), rows, "email_not_verified")


@pytest.mark.parametrize("email", [None, 7, ["amara@firm.example.com"], {"x": 1}])
def test_an_address_that_is_no_text_counts_for_nothing(client, amara, provider, rows, email):
    provider.lies["email"] = email
    assert refused(enter(client), rows, "email_not_verified")


def test_somebody_inactive_is_answered_like_somebody_unknown(client, browser, given, provider, rows):
    given(UserFactory, "inactive", email=AMARA)
    answer = enter(client)
    assert refused(answer, rows, "inactive")
    provider.person["email"] = "nobody@firm.example.com"
    assert enter(browser()).json["detail"] == answer.json["detail"]


STRANGE = RSAKey.generate_key(2048, parameters={"kid": "strange"})
"""The key of somebody who is not the provider."""
FORGED = {
    "no signature": lambda provider: setattr(provider, "sign", unsigned),
    "an HMAC with the public key": lambda provider: setattr(provider, "sign", signed_with_public_key),
    "a signature by another key": lambda provider: setattr(
        provider, "sign", lambda claims: signed(claims, RSAKey.generate_key(2048), kid=RSA.kid)
    ),
    "a key in its own header": lambda provider: setattr(
        provider, "sign", lambda claims: signed(claims, STRANGE, jwk=STRANGE.as_dict(private=False))
    ),
    "a place of keys in its own header": lambda provider: setattr(
        provider, "sign", lambda claims: signed(claims, STRANGE, jku=f"{provider.issuer}/elsewhere")
    ),
    "a key that is not published": lambda provider: setattr(
        provider, "sign", lambda claims: signed(claims, EC)
    ),
    "a signature cut off": lambda provider: setattr(
        provider, "sign", lambda claims: signed(claims, RSA).rpartition(".")[0] + "."
    ),
    "no token": lambda provider: setattr(provider, "sign", lambda _: None),
    "a number": lambda provider: setattr(provider, "sign", lambda _: 7),
    "no JWT": lambda provider: setattr(provider, "sign", lambda _: "x.y"),
    "another nonce": lambda provider: provider.lies.update(nonce="x" * 43),
    "no nonce": lambda provider: provider.lies.update(nonce=None),
    "another issuer": lambda provider: provider.lies.update(iss="https://evil.example"),
    "its issuer with a slash": lambda provider: provider.lies.update(iss=provider.issuer + "/"),
    "no issuer": lambda provider: provider.lies.update(iss=None),
    "another audience": lambda provider: provider.lies.update(aud="somebody else"),
    "another audience through us": lambda provider: provider.lies.update(aud="b", azp=CLIENT_ID),
    "no audience": lambda provider: provider.lies.update(aud=None),
    "two audiences": lambda provider: provider.lies.update(aud=[CLIENT_ID, "somebody else"]),
    "another party": lambda provider: provider.lies.update(aud=[CLIENT_ID, "b"], azp="b"),
    "no end": lambda provider: provider.lies.update(exp=None),
    "an end that is over": lambda provider: provider.lies.update(exp=1_700_000_000),
    "an end that is no number": lambda provider: provider.lies.update(exp="tomorrow"),
    "no beginning": lambda provider: provider.lies.update(iat=None),
    "a beginning to come": lambda provider: provider.lies.update(iat=4_000_000_000),
    "no subject": lambda provider: provider.lies.update(sub=None),
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
def test_an_id_token_that_does_not_verify_lets_nobody_in(client, amara, provider, rows, forge):
    forge(provider)
    assert refused(enter(client), rows, "not_believed")


@pytest.mark.parametrize(("seconds", "status"), [(-70, 401), (-50, 303), (50, 303), (70, 401)])
def test_clocks_may_be_a_minute_apart(client, amara, provider, seconds, status):
    with time_machine.travel("2026-03-01T12:00:00Z", tick=False):
        moment = 1772366400
        if seconds < 0:
            provider.lies["exp"] = moment + seconds
        else:
            provider.lies["iat"] = moment + seconds
        assert enter(client).status_code == status


@pytest.mark.parametrize("audience", [[CLIENT_ID], CLIENT_ID])
def test_one_audience_may_stand_in_a_list(client, amara, provider, audience):
    provider.lies.update(aud=audience)
    assert enter(client).status_code == 303


def test_of_two_audiences_the_authorised_party_must_be_us(client, amara, provider):
    provider.lies.update(aud=[CLIENT_ID, "somebody else"], azp=CLIENT_ID)
    assert enter(client).status_code == 303


def test_keys_of_either_kind_are_known_and_strange_ones_left_out(client, browser, amara, provider):
    published = {"keys": [{"kty": "QUANTUM"}, {"kty": "RSA"}, EC.as_dict(private=False)]}
    provider.instead[JWKS] = lambda talk: talk.say(200, published)
    provider.sign = lambda claims: signed(claims, EC)
    assert enter(client).status_code == 303


def test_a_new_key_of_the_provider_is_asked_for_once(client, browser, amara, provider):
    assert enter(client).status_code == 303
    assert enter(browser()).status_code == 303
    assert provider.asked.count(JWKS) == provider.asked.count(DISCOVERY) == 1
    provider.keys = [EC]
    assert enter(browser()).status_code == 303
    assert provider.asked.count(JWKS) == 2
    provider.sign = lambda claims: signed(claims, RSA)  # withdrawn
    assert enter(browser()).status_code == 401
    assert provider.asked.count(JWKS) == 3


def test_a_callback_is_good_once(client, amara, rows):
    back = agree(begin(client))
    assert client.get(back).status_code == 303
    again = client.get(back)
    assert again.status_code == 401
    assert "sso.refused" not in [entry.action for entry in rows(AuditEntry)]


def test_a_code_is_good_once_though_the_cookie_was_kept(client, amara, rows):
    address = begin(client)
    kept = client.get_cookie(COOKIE).value
    back = agree(address)
    assert client.get(back).status_code == 303
    client.set_cookie(COOKIE, kept)
    assert client.get(back).status_code == 401
    assert json.loads(rows(AuditEntry)[-1].detail) == {"reason": "not_believed"}


def test_a_code_of_somebody_else_is_not_taken(client, browser, amara, rows):
    """Whoever puts their own code into another's journey lacks the verifier it was begun with."""
    theirs = dict(parse_qsl(urlsplit(agree(begin(browser()))).query))
    ours = dict(parse_qsl(urlsplit(agree(begin(client))).query))
    answer = client.get(CALLBACK, query_string={**ours, "code": theirs["code"]})
    assert refused(answer, rows, "not_believed")


@pytest.mark.parametrize("state", [None, "", "x", "x" * 43, "\u00e9", "\U0001f600"])
def test_a_callback_with_another_state_is_not_taken(client, amara, rows, provider, state):
    query = dict(parse_qsl(urlsplit(agree(begin(client))).query)) | {"state": state}
    answer = client.get(
        CALLBACK, query_string={name: value for name, value in query.items() if value is not None}
    )
    assert refused(answer, rows, "state_differs")
    assert TOKEN not in provider.asked


@pytest.mark.parametrize("cookie", [None, "", "x", "gAAAAA", "\u00e9", "x" * 3000])
def test_a_callback_to_a_browser_that_did_not_begin_is_not_taken(browser, amara, rows, provider, cookie):
    back, other = agree(begin(browser())), browser()
    if cookie is not None:
        other.set_cookie(COOKIE, cookie)
    assert refused(other.get(back), rows, "not_begun_here")
    assert TOKEN not in provider.asked


def test_what_was_sealed_for_something_else_is_no_journey(app, client, amara, rows):
    back = agree(begin(client))
    with app.app_context():
        client.set_cookie(COOKIE, sso.seal("totp", "{}"))
    assert refused(client.get(back), rows, "not_begun_here")


def test_a_journey_goes_on_under_a_rotated_key(app, client, amara):
    back = agree(begin(client))
    app.config["SECRET_KEY_FALLBACKS"] = [app.config["SECRET_KEY"]]
    app.config["SECRET_KEY"] = "another secret altogether, of forty letters"
    assert client.get(back).status_code == 303


@pytest.mark.parametrize(("seconds", "status"), [(599, 303), (600, 401)])
def test_nobody_takes_more_than_ten_minutes(client, amara, seconds, status):
    with time_machine.travel("2026-03-01T12:00:00Z", tick=False) as still:
        address = begin(client)
        sealed = client.get_cookie(COOKIE).value
        still.shift(seconds)
        client.set_cookie(COOKIE, sealed)  # whatever the browser thinks of its age
        assert client.get(agree(address)).status_code == status


def test_the_cookie_of_the_journey_is_short_lived_and_read_by_no_script(client):
    begin(client)
    found = client.get_cookie(COOKIE)
    assert (found.path, found.http_only, found.same_site, found.max_age) == ("/", True, "Lax", 600)
    assert "verifier" not in found.value


@pytest.mark.parametrize(
    "query",
    [
        {"error": "access_denied"},
        {"error": "server_error", "error_description": "<script>"},
        {"code": ""},
        {},
    ],
)
def test_a_provider_that_says_no_lets_nobody_in(client, amara, rows, provider, query):
    state = parse_qs(urlsplit(begin(client)).query)["state"][0]
    answer = client.get(CALLBACK, query_string={**query, "state": state})
    assert refused(answer, rows, "denied")
    assert "<script>" not in answer.text


def test_an_answer_by_another_issuer_is_not_taken(client, amara, rows, provider):
    query = dict(parse_qsl(urlsplit(agree(begin(client))).query))
    answer = client.get(CALLBACK, query_string={**query, "iss": "https://evil.example"})
    assert refused(answer, rows, "another_issuer")


def test_what_a_provider_adds_to_the_address_is_ignored_and_nothing_is_given_twice(client, browser, amara):
    back = agree(begin(client))
    assert client.get(f"{back}&hd=firm.example.com&authuser=0&authuser=1").status_code == 303
    twice = browser().get(f"{CALLBACK}?code=a&code=b&state=x&state=y")
    assert twice.status_code == 422
    assert set(twice.json["errors"]) == {"code", "state"}


@pytest.mark.parametrize("query", [{"code": "\u00e9"}, {"code": "x" * 5000}, {"state": "x" * 201}])
def test_what_no_provider_sends_is_refused_unread(client, query):
    assert client.get(CALLBACK, query_string=query).status_code == 422


LOCAL = [
    "/",
    "/docs",
    "/docs?a=b&c=%2F",
    "/docs#x",
    "/r\u00e9sum\u00e9",
    "/a/../b",
    "/%2F%2Fevil.example",
    "/:80",
]


@pytest.mark.parametrize("path", LOCAL)
def test_whoever_came_in_goes_on_to_where_they_wanted(client, amara, path):
    found = enter(client, next=path).headers["Location"]
    assert requests.utils.unquote(found) == requests.utils.unquote(path)
    assert found.startswith("/")
    assert not found.startswith("//")


ELSEWHERE = [
    "",
    "docs",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "/\r\nSet-Cookie: a=b",
    "\t//evil.example",
    " //evil.example",
    " /docs",
    "https://evil.example",
    "https:evil.example",
    "https:///evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "@evil.example",
    ".evil.example",
    "/docs//evil.example",
    "/.//evil.example",
    "/\x00/evil.example",
    "/\u2028/evil.example",
    "/\u202e",
    "http://127.0.0.1:8000/docs",
    "/" + "x" * 500,
]


@pytest.mark.parametrize("path", ELSEWHERE)
def test_nobody_is_sent_to_another_site(client, amara, provider, path):
    answer = client.get(START, query_string={"next": path})
    assert answer.status_code == 422
    assert set(answer.json["errors"]) == {"next"}
    assert "Location" not in answer.headers
    assert provider.asked == []


def test_where_to_go_is_given_once_and_nothing_else_is(client):
    assert client.get(f"{START}?next=/a&next=/b").status_code == 422
    assert client.get(f"{START}?to=/a").status_code == 422


def test_the_address_to_come_back_to_owes_nothing_to_the_host_header(client):
    answer = client.get(START, headers={"Host": "evil.example"})
    assert parse_qs(urlsplit(answer.headers["Location"]).query)["redirect_uri"] == [
        f"http://127.0.0.1:8000{CALLBACK}"
    ]


def test_a_browser_is_told_in_a_page(client, amara, provider):
    provider.lies["email_verified"] = False
    answer = client.get(agree(begin(client)), headers={"Accept": "text/html"})
    assert answer.status_code == 401
    assert answer.content_type.startswith("text/html")
    assert "has not verified" in answer.text


def _hang(talk) -> None:
    talk.server.provider.over.wait()
    talk.close_connection = True


def _stop_midway(talk) -> None:
    talk.send_response(200)
    talk.send_header("Content-Length", "1000")
    talk.end_headers()
    talk.wfile.write(b"{")
    _hang(talk)


def _hang_up(talk) -> None:
    talk.close_connection = True


def _elsewhere(talk) -> None:
    talk.say(307, {}, Location=f"{talk.server.provider.issuer}/elsewhere")


BROKEN = {
    "hangs": _hang,
    "hangs up": _hang_up,
    "stops midway": _stop_midway,
    "is broken": lambda talk: talk.say(500, {}),
    "is busy": lambda talk: talk.say(503, b"<html>"),
    "speaks no JSON": lambda talk: talk.say(200, b"<html>"),
    "speaks no UTF-8": lambda talk: talk.say(200, b"\xff\xfe\x00"),
    "gives a list": lambda talk: talk.say(200, [7]),
    "gives nothing": lambda talk: talk.say(200, b""),
    "gives too much": lambda talk: talk.say(200, b'{"a": "' + b"x" * 600_000 + b'"}'),
    "gives numbers": lambda talk: talk.say(
        200, {"issuer": 7, "keys": 7, "access_token": 7, "expires_in": [7]}
    ),
    "gives no number": lambda talk: talk.say(200, b'{"access_token": "x", "expires_in": Infinity}'),
    "sends elsewhere": _elsewhere,
}


@pytest.fixture
def grow_impatient(monkeypatch):
    """From then on wait for the provider no longer than a moment."""

    def shorten():
        monkeypatch.setattr(oidc_client, "SILENT_SECONDS", 0.3)
        monkeypatch.setattr(oidc_client, "WHOLE_SECONDS", 0.3)

    return shorten


@pytest.mark.parametrize("path", [DISCOVERY, JWKS, TOKEN])
@pytest.mark.parametrize("instead", BROKEN.values(), ids=BROKEN)
def test_a_provider_that_does_not_answer_rightly_is_away(
    client, amara, provider, grow_impatient, rows, path, instead
):
    back = START if path == DISCOVERY else agree(begin(client))
    provider.instead[path] = instead
    grow_impatient()
    answer = client.get(back)
    assert answer.status_code == 503, answer.text
    assert int(answer.headers["Retry-After"]) >= 1
    assert "sign-in service does not answer" in answer.json["detail"]
    assert rows(SignedInSession) == []
    assert "/elsewhere" not in provider.asked


def test_an_answer_that_comes_little_by_little_is_not_waited_for(client, provider, grow_impatient):
    def drip(talk):
        right = json.dumps(provider.documents()).encode()
        talk.send_response(200)
        talk.send_header("Content-Length", str(50 + len(right)))
        talk.end_headers()
        with contextlib.suppress(OSError):
            for part in [*[b" "] * 50, right]:
                talk.wfile.write(part)
                provider.over.wait(0.02)
        talk.close_connection = True

    provider.instead[DISCOVERY] = drip
    grow_impatient()
    assert client.get(START).status_code == 503


def test_a_provider_that_is_not_there_is_away(app, client):
    app.config["OIDC_ISSUER"] = "http://127.0.0.1:9"  # discard: nobody listens
    assert client.get(START).status_code == 503


def test_a_provider_that_was_away_is_asked_again_after_a_rest(client, amara, provider):
    with time_machine.travel("2026-03-01T12:00:00Z", tick=False) as still:
        provider.instead[DISCOVERY] = lambda talk: talk.say(500, {})
        assert [client.get(START).status_code for _ in range(4)] == [503] * 4
        assert provider.asked.count(DISCOVERY) == 1
        provider.instead.clear()
        still.shift(5)
        assert enter(client).status_code == 303


def test_what_the_provider_says_of_itself_is_believed_for_some_minutes(client, provider):
    with time_machine.travel("2026-03-01T12:00:00Z", tick=False) as still:
        begin(client)
        still.shift(599)
        begin(client)
        assert provider.asked.count(DISCOVERY) == 1
        still.shift(1)
        begin(client)
        assert provider.asked.count(DISCOVERY) == 2


def test_few_ask_the_provider_at_once_and_the_others_are_told(client, browser, amara, provider, monkeypatch):
    monkeypatch.setattr(oidc_client, "_gate", threading.BoundedSemaphore(1))
    monkeypatch.setattr(oidc_client, "MAX_WAIT_SECONDS", 0.05)
    meanwhile = []
    provider.at_token = lambda: meanwhile.append(browser().get(START).status_code)
    assert enter(client).status_code == 303
    assert meanwhile == [503]


def test_of_many_who_come_first_one_looks_for_the_provider(browser, provider, monkeypatch):
    monkeypatch.setattr(oidc_client, "MAX_WAIT_SECONDS", WAIT_SECONDS)

    def look(talk):
        provider.over.wait(0.2)  # long enough that the others are there
        talk.say(200, provider.documents())

    provider.instead[DISCOVERY] = look
    assert all_at_once(4, lambda _: browser().get(START).status_code) == [303] * 4
    assert provider.asked.count(DISCOVERY) == 1


def test_nobody_waits_long_for_another_who_looks_for_the_provider(client, browser, provider, monkeypatch):
    monkeypatch.setattr(oidc_client, "MAX_WAIT_SECONDS", 0.05)
    meanwhile = []

    def look(talk):
        meanwhile.append(browser().get(START).status_code)
        talk.say(200, provider.documents())

    provider.instead[DISCOVERY] = look
    assert client.get(START).status_code == 303
    assert meanwhile == [503]


@pytest.mark.parametrize(
    "lies",
    [
        {"issuer": "https://evil.example"},
        {"issuer": None},
        {"token_endpoint": "ftp://127.0.0.1/token"},
        {"jwks_uri": "file:///etc/passwd"},
        {"authorization_endpoint": "javascript:alert(1)"},
    ],
    ids=str,
)
def test_the_document_of_another_provider_is_not_believed(client, provider, lies):
    provider.document_lies = lies
    assert client.get(START).status_code == 503


def test_a_provider_that_wants_the_secret_in_the_form_gets_it_there(client, amara, provider):
    provider.document_lies = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    assert enter(client).status_code == 303


def test_a_secret_the_provider_does_not_know_lets_nobody_in(app, client, amara, rows):
    app.config["OIDC_CLIENT_SECRET"] = "another"
    assert refused(enter(client), rows, "not_believed")


def test_nothing_is_asked_before_somebody_signs_in(app, client, provider):
    assert client.get("/healthz").status_code == 200
    assert provider.asked == []
    assert "leadintake.provider" not in app.extensions


class TestRoles:
    """With roles that the provider decides."""

    @pytest.fixture
    def settings(self, settings) -> dict[str, object]:
        roles = ["partners=admin", "staff = manager", "a=b=attorney"]
        return {**settings, "OIDC_ROLE_CLAIM": "groups", "OIDC_ROLES": roles}

    @pytest.mark.parametrize(
        ("groups", "role"),
        [
            ("staff", "manager"),
            (["staff"], "manager"),
            (["others", "a=b"], "attorney"),
            (["staff", "partners"], "admin"),
        ],
    )
    def test_the_first_that_fits_counts(self, client, amara, provider, rows, groups, role):
        provider.person["groups"] = groups
        assert enter(client).status_code == 303
        assert client.get(SESSION).json["user"]["role"] == role
        changed = [entry for entry in rows(AuditEntry) if entry.action == "user.role_changed"]
        assert [(entry.actor_kind, entry.subject_id) for entry in changed] == (
            [] if role == "attorney" else [("system", amara.id)]
        )
        assert [mail.kind for mail in rows(Notification)] == ["account_notice"] * len(changed)

    @pytest.mark.parametrize(
        "groups", [None, "", [], "Staff", ["others"], 7, {"staff": 1}, [["staff"]], [None]]
    )
    def test_without_a_role_nobody_comes_in(self, client, amara, provider, rows, groups):
        provider.lies["groups"] = groups
        assert refused(enter(client), rows, "no_role")
        assert rows(User)[0].role == Role.ATTORNEY

    def test_the_last_admin_is_not_made_another(self, client, given, provider, rows):
        given(UserFactory, "admin", email=AMARA)
        provider.person["groups"] = "staff"
        answer = enter(client)
        assert refused(answer, rows, "last_admin")
        assert "last active admin" in answer.json["detail"]
        assert rows(User)[0].role == Role.ADMIN

    def test_one_admin_of_two_is(self, client, given, provider, rows):
        given(UserFactory, "admin", email=AMARA)
        given(UserFactory, "admin")
        provider.person["groups"] = "staff"
        assert enter(client).status_code == 303
        assert rows(User)[0].role == Role.MANAGER


class TestSecondFactor:
    """With a role that must prove more than a password."""

    @pytest.fixture
    def settings(self, settings) -> dict[str, object]:
        return {**settings, "REQUIRE_MFA": ["attorney"]}

    @pytest.mark.parametrize(
        ("methods", "status"),
        [
            (["pwd", "mfa"], 200),
            (None, 403),
            ([], 403),
            (["pwd"], 403),
            (["pwd", "otp"], 403),
        ],
    )
    def test_the_provider_has_proved_one_where_it_says_so(self, client, amara, provider, methods, status):
        provider.lies["amr"] = methods
        assert enter(client).status_code == 303
        assert client.get("/internal/leads").status_code == status
        assert client.get(SESSION).status_code == 200

    def test_methods_that_are_no_list_are_not_believed(self, client, amara, provider, rows):
        provider.lies["amr"] = "mfa"
        assert refused(enter(client), rows, "not_believed")


class TestTooOften:
    """With limits on signing in."""

    @pytest.fixture
    def settings(self, settings) -> dict[str, object]:
        return {**settings, "RATE_LIMIT_LOGINS": "3 per minute"}

    def test_failures_count_for_the_place_they_come_from(self, client, browser, amara, provider):
        assert [enter(browser()).status_code for _ in range(4)] == [303] * 4
        failed = []
        for _ in range(4):
            (state,) = parse_qs(urlsplit(begin(client)).query)["state"]
            failed.append(client.get(f"{CALLBACK}?code=x&state={state}").status_code)
        assert failed == [401, 401, 401, 429]
        assert client.get(f"{CALLBACK}?code=x&state=x").status_code == 401  # nobody set out: not counted
        back = agree(begin(browser()))
        assert client.get(back, environ_base={"REMOTE_ADDR": "192.0.2.1"}).status_code == 401

    def test_a_device_that_came_in_before_goes_on_beside_them(self, client, browser, amara, provider):
        desk = browser()
        assert enter(desk).status_code == 303
        failed = []
        for _ in range(4):
            (state,) = parse_qs(urlsplit(begin(client)).query)["state"]
            failed.append(client.get(f"{CALLBACK}?code=x&state={state}").status_code)
        assert failed[-1] == 429
        assert enter(browser()).status_code == 429
        assert enter(desk).status_code == 303
        for number in range(devices.MAX_ACCOUNTS):  # what is no cookie of ours, before it, sets nobody apart
            client.set_cookie(f"leadintake-device-{number:08}", "x")
        assert enter(client).status_code == 429

    def test_a_provider_that_is_away_is_nobodys_failure(self, client, browser, amara, provider):
        provider.instead[TOKEN] = lambda talk: talk.say(500, {})
        assert [enter(browser()).status_code for _ in range(5)] == [503] * 5


class TestInProduction:
    """Cookies over https alone."""

    @pytest.fixture
    def settings(self, settings) -> dict[str, object]:
        return {
            **settings,
            "ENVIRONMENT": "production",
            "MAIL_FOLDER": "mail",
            "SECRET_KEY": "k" * 32,
            "PUBLIC_URL": "https://intake.firm.example",
        }

    def test_the_cookie_of_the_journey_is_secure_and_bound_to_the_host(self, client, amara):
        address = begin(client)
        found = client.get_cookie("__Host-leadintake-sso")
        assert (found.secure, found.path, found.http_only, found.origin_only) == (True, "/", True, True)
        back = urlsplit(requests.get(address, allow_redirects=False, timeout=10).headers["Location"])
        assert back.netloc == "intake.firm.example"
        answer = client.get(f"{back.path}?{back.query}", base_url="https://localhost")
        assert answer.status_code == 303
        taken = next(one for one in answer.headers.getlist("Set-Cookie") if "-sso=;" in one)
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax", "Max-Age=0"} <= set(taken.split("; "))


class TestPublicClient:
    """Without a secret: PKCE alone proves who began."""

    @pytest.fixture
    def settings(self, settings) -> dict[str, object]:
        return {**settings, "OIDC_CLIENT_SECRET": ""}

    def test_it_names_itself_in_the_form(self, client, amara, provider, monkeypatch):
        forms = []
        exchange = provider.exchange

        def without_secret(authorization, form):
            forms.append((authorization, form.get("client_id")))
            return exchange("", {**form, "client_secret": CLIENT_SECRET})

        monkeypatch.setattr(provider, "exchange", without_secret)
        assert enter(client).status_code == 303
        assert forms == [("", CLIENT_ID)]


class TestOff:
    """As long as nobody sets it up."""

    @pytest.fixture
    def settings(self) -> dict[str, object]:
        return {}

    @pytest.mark.parametrize("path", [START, CALLBACK, f"{CALLBACK}?code=x&state=y"])
    def test_there_are_no_such_addresses(self, client, path):
        answer = client.get(path)
        assert answer.status_code == 404


@pytest.mark.every_engine
def test_a_sign_in_that_could_not_be_kept_hands_out_no_cookie(app, client, amara, rows, monkeypatch):
    back = agree(begin(client))

    def broken(*_, **__):
        raise sa.exc.OperationalError("INSERT", {}, Exception("disk full"))

    monkeypatch.setattr(sso.auth, "sign_in", broken)
    answer = client.get(back)
    assert answer.status_code == 503
    assert not any(cookie.startswith("leadintake=") for cookie in answer.headers.getlist("Set-Cookie"))
    assert rows(SignedInSession) == []


ANYTHING = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(), inner, max_size=3),
    max_leaves=6,
)
NAMES = (
    "email",
    "email_verified",
    "amr",
    "aud",
    "azp",
    "exp",
    "iat",
    "nbf",
    "sub",
    "auth_time",
    "at_hash",
    "jti",
)


@examples(60, suppress_health_check=list(HealthCheck))
@hypothesis.given(lies=some.dictionaries(some.sampled_from(NAMES), ANYTHING, min_size=1, max_size=3))
def test_no_claims_are_too_much(browser, amara, provider, lies):
    provider.lies = lies
    assert enter(browser()).status_code in (303, 401)
