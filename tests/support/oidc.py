"""A small OpenID provider on a thread: discovery, keys, authorize, token; able to misbehave."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

from leadintake.core.clock import now
from tests.support.authenticator import b64
from tests.support.waiting import WAIT_SECONDS

CLIENT_ID, CLIENT_SECRET = "leadintake", "a secret of two"
DISCOVERY, JWKS, AUTHORIZE, TOKEN = "/.well-known/openid-configuration", "/jwks", "/authorize", "/token"
RSA, EC = (
    RSAKey.generate_key(2048, {"kid": "rsa", "use": "sig"}),
    ECKey.generate_key("P-256", {"kid": "ec"}),
)
Answer = tuple[int, dict[str, str], bytes]


class Provider:
    """What the provider knows, what it was asked, and how it lies.

    `person` are the claims of whoever is signed in there. `lies` are claims put over the true ones, None
    leaves one out. `instead` maps a path to what is done there instead of the right thing.
    """

    def __init__(self) -> None:
        self.issuer = ""
        self.person: dict[str, Any] = {}
        self.lies: dict[str, Any] = {}
        self.document_lies: dict[str, Any] = {}
        self.instead: dict[str, Callable[[Any], None]] = {}
        self.keys: list[Any] = [RSA]
        self.sign: Callable[[dict[str, Any]], str] = lambda claims: signed(claims, self.keys[0])
        self.at_token: Callable[[], None] = lambda: None
        self.asked: list[str] = []
        self.over = threading.Event()
        self._codes: dict[str, dict[str, str]] = {}

    def documents(self) -> dict[str, Any]:
        """The discovery document."""
        return {
            "issuer": self.issuer,
            "authorization_endpoint": self.issuer + AUTHORIZE,
            "token_endpoint": self.issuer + TOKEN,
            "jwks_uri": self.issuer + JWKS,
            "response_types_supported": ["code"],
            **self.document_lies,
        }

    def authorize(self, query: dict[str, str]) -> str:
        """Where the browser of a person who agrees is sent back to."""
        assert query["response_type"] == "code"
        assert query["client_id"] == CLIENT_ID
        assert query["scope"].split() == ["openid", "email", "profile"]
        assert query["code_challenge_method"] == "S256"
        assert len(query["nonce"]) >= 32
        assert len(query["state"]) >= 32
        code = secrets.token_urlsafe(16)
        self._codes[code] = query
        answer = {"code": code, "state": query["state"], "iss": self.issuer, "session_state": "x.y"}
        return f"{query['redirect_uri']}?{urlencode(answer)}"

    def exchange(self, authorization: str, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """The tokens for a code, once, for the one who can show the verifier."""
        expected = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        by_form = (form.get("client_id"), form.get("client_secret")) == (CLIENT_ID, CLIENT_SECRET)
        if authorization != f"Basic {expected}" and not by_form:
            return 401, {"error": "invalid_client"}
        begun = self._codes.pop(form["code"], None)
        challenge = b64(hashlib.sha256(form["code_verifier"].encode()).digest())
        if (
            begun is None
            or form["grant_type"] != "authorization_code"
            or form["redirect_uri"] != begun["redirect_uri"]
            or challenge != begun["code_challenge"]
        ):
            return 400, {"error": "invalid_grant"}
        self.at_token()
        moment = int(now().timestamp())
        claims = {"iss": self.issuer, "aud": CLIENT_ID, "sub": "42", "iat": moment, "exp": moment + 300}
        claims |= {"nonce": begun["nonce"], **self.person, **self.lies}
        id_token = self.sign({name: value for name, value in claims.items() if value is not None})
        return 200, {"access_token": "x", "token_type": "Bearer", "expires_in": 300, "id_token": id_token}


def signed(claims: dict[str, Any], key: Any, **header: Any) -> str:
    """An ID token."""
    alg = "RS256" if key.key_type == "RSA" else "ES256"
    return jws.serialize_compact({"alg": alg, "kid": key.kid, **header}, json.dumps(claims).encode(), key)


def unsigned(claims: dict[str, Any]) -> str:
    """An ID token that says that it needs no signature."""
    return f"{b64(json.dumps({'alg': 'none'}).encode())}.{b64(json.dumps(claims).encode())}."


def signed_with_public_key(claims: dict[str, Any]) -> str:
    """An ID token whose HMAC anybody can make."""
    head = {"alg": "HS256", "kid": RSA.kid, "typ": "JWT"}
    text = f"{b64(json.dumps(head).encode())}.{b64(json.dumps(claims).encode())}"
    return f"{text}.{b64(hmac.digest(RSA.as_pem(private=False), text.encode(), 'sha256'))}"


class _Talk(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        provider, place = self.server.provider, urlsplit(self.path)
        if not self._is_led_astray(place.path):
            if place.path == DISCOVERY:
                self.say(200, provider.documents())
            elif place.path == JWKS:
                self.say(200, {"keys": [key.as_dict(private=False) for key in provider.keys]})
            elif place.path == AUTHORIZE:
                self.say(302, {}, Location=provider.authorize(dict(parse_qsl(place.query))))
            else:
                self.say(404, {})

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        if not self._is_led_astray(self.path):
            assert self.path == TOKEN
            shown = self.headers.get("Authorization", "")
            told = self.server.provider.exchange(shown, {name: values[0] for name, values in form.items()})
            self.say(*told)

    def say(self, status: int, content: Any, **headers: str) -> None:
        """Answer."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _is_led_astray(self, path: str) -> bool:
        self.server.provider.asked.append(path)
        instead = self.server.provider.instead.get(path)
        if instead is not None:
            instead(self)
        return instead is not None

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    provider: Provider

    def handle_error(self, *_: Any) -> None:
        """A client that hung up, or a check above that failed: the test sees it by the answer."""


@contextmanager
def oidc_provider() -> Iterator[Provider]:
    """A provider that listens on a port of this machine."""
    provider = Provider()
    with _Server(("127.0.0.1", 0), _Talk) as server:
        server.provider = provider
        provider.issuer = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield provider
        finally:
            provider.over.set()
            server.shutdown()
            thread.join(WAIT_SECONDS)
