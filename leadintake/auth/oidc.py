"""The firm's OpenID provider: where it is, what it says, and whether it was really the one who said it.

OpenID Connect Core and Discovery 1.0, through Authlib. Imported only where single sign-on is set up.
"""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

import msgspec
import structlog
from authlib.integrations.base_client import OAuthError
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError
from joserfc.jwk import JWKRegistry, Key, KeySet
from joserfc.jws import JWSRegistry

from leadintake.auth.oidc_client import ProviderAway, asking, turn
from leadintake.core.clock import now

SCOPE = "openid email profile"
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Never `none`, and no HMAC: whoever knows a public key could sign with it."""
BASIC, POST = "client_secret_basic", "client_secret_post"
LEEWAY_SECONDS = 60
KNOWN_FOR = timedelta(minutes=10)
REST = timedelta(seconds=5)
"""How long a provider that is away is not looked for again: each who waits for it holds a thread."""
Shape = TypeVar("Shape")
log = structlog.get_logger()


class Untrusted(Exception):
    """The code was not taken, or the ID token is not one to believe. The message is for the log."""


class _Document(msgspec.Struct):
    """What is needed of the discovery document."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    token_endpoint_auth_methods_supported: list[str] = msgspec.field(default_factory=lambda: [BASIC])


class _Published(msgspec.Struct):
    """A JWK set."""

    keys: list[dict[str, Any]]


@dataclass
class _Learnt:
    """What was learnt of the provider, and until when it is believed."""

    document: _Document
    until: datetime
    keys: KeySet | None = None


class Provider:
    """The provider that one application signs people in by. Nothing is asked before somebody signs in."""

    def __init__(self, issuer: str, client_id: str, client_secret: str) -> None:
        self._issuer, self._client_id, self._client_secret = issuer, client_id, client_secret
        self._looking = threading.BoundedSemaphore(1)
        self._learnt: _Learnt | None = None
        self._away_until: datetime | None = None

    def sign_in_address(self, *, state: str, nonce: str, verifier: str, back_to: str) -> str:
        """Where to send the browser: Authorization Code Flow with PKCE, S256. Raises ProviderAway."""
        document = self._known().document
        with self._asking(scope=SCOPE, redirect_uri=back_to, code_challenge_method="S256") as client:
            address, _ = client.create_authorization_url(
                document.authorization_endpoint, state=state, nonce=nonce, code_verifier=verifier
            )
        return str(address)

    def claims_of(self, code: str, *, nonce: str, verifier: str, back_to: str) -> dict[str, Any]:
        """What the provider says of the person with this code. Raises Untrusted, ProviderAway."""
        known = self._known()
        id_token = self._exchange(known.document, code, verifier, back_to)
        try:
            return self._verified(id_token, known.keys or self._keys(known), nonce)
        except InvalidKeyIdError:
            log.info("oidc_keys_changed", issuer=self._issuer)
        try:
            return self._verified(id_token, self._keys(known), nonce)
        except InvalidKeyIdError as error:
            raise Untrusted("the ID token is signed with a key that is not published") from error

    def _exchange(self, document: _Document, code: str, verifier: str, back_to: str) -> str:
        """The ID token for a code, which the provider takes with the verifier alone."""
        ways = document.token_endpoint_auth_methods_supported
        way = POST if POST in ways and BASIC not in ways else BASIC
        with self._asking(
            redirect_uri=back_to, token_endpoint_auth_method=way if self._client_secret else "none"
        ) as client:
            try:
                tokens = dict(
                    client.fetch_token(
                        document.token_endpoint,
                        grant_type="authorization_code",
                        code=code,
                        code_verifier=verifier,
                    )
                )
            except OAuthError as error:
                raise Untrusted(f"the token endpoint says {error.error!r}") from error
        id_token = tokens.get("id_token")
        if not isinstance(id_token, str):
            raise Untrusted("there is no ID token")
        return id_token

    def _verified(self, id_token: str, keys: KeySet, nonce: str) -> dict[str, Any]:
        """The claims of a token that this provider made for us, now and for this nonce (Core, 3.1.3.7)."""
        values = {"iss": self._issuer, "aud": self._client_id, "nonce": nonce}
        expected = {name: {"essential": True, "value": value} for name, value in values.items()}
        registry = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
        try:
            token = jwt.decode(id_token, keys, registry=registry)
            claims = CodeIDToken(token.claims, token.header, expected, {"client_id": self._client_id})
            claims.validate(now=int(now().timestamp()), leeway=LEEWAY_SECONDS)
        except InvalidKeyIdError:
            raise
        except Exception as error:
            raise Untrusted(f"the ID token does not verify: {error}") from error
        return dict(claims)

    def _known(self) -> _Learnt:
        """What is known of the provider; learnt anew after some minutes. Raises ProviderAway."""
        known = self._learnt
        if known is not None and known.until > now():
            return known
        with turn(self._looking):
            if self._learnt is None or self._learnt.until <= now():
                self._learnt = _Learnt(self._discover(), now() + KNOWN_FOR)
            return self._learnt

    def _discover(self) -> _Document:
        if self._away_until is not None and self._away_until > now():
            raise ProviderAway
        address = f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"
        try:
            document = self._fetch(address, _Document)
            self._refuse_another(document)
        except ProviderAway:
            self._away_until = now() + REST
            raise
        return document

    def _refuse_another(self, document: _Document) -> None:
        """Raise ProviderAway for the document of another issuer (Discovery, 4.3), or endpoints in clear."""
        endpoints = (document.authorization_endpoint, document.token_endpoint, document.jwks_uri)
        scheme, _, _ = self._issuer.partition("://")
        if document.issuer != self._issuer or not all(one.startswith(f"{scheme}://") for one in endpoints):
            log.error("oidc_provider_is_another", issuer=self._issuer, found=document.issuer)
            raise ProviderAway

    def _keys(self, known: _Learnt) -> KeySet:
        """The keys the provider signs with, asked for now; those of kinds we do not know are left out."""
        published = self._fetch(known.document.jwks_uri, _Published).keys
        known.keys = KeySet([key for one in published if (key := _read(one)) is not None])
        return known.keys

    def _fetch(self, address: str, shape: type[Shape]) -> Shape:
        with self._asking() as client:
            response = client.get(address, withhold_token=True)
            response.raise_for_status()
            return msgspec.json.decode(response.content, type=shape)

    def _asking(self, **options: Any) -> AbstractContextManager[Any]:
        return asking(self._client_id, self._client_secret, **options)


def _read(published: dict[str, Any]) -> Key | None:
    try:
        return JWKRegistry.import_key(published)
    except Exception:  # noqa: BLE001 - one key that cannot be read spoils none of the others
        log.info("oidc_key_left_out", kind=str(published.get("kty")))
        return None
