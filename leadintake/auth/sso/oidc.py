"""The OpenID provider: discovery, code exchange, ID token (OpenID Connect Core and Discovery 1.0).

Imported only if single sign-on is set up.
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

from leadintake.auth.sso.client import ProviderAway, hold, open_client
from leadintake.core.clock import now

SCOPE = "openid email profile"
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Neither `none` nor HMAC, with which a public key could sign."""
BASIC, POST = "client_secret_basic", "client_secret_post"
LEEWAY_SECONDS = 60
METADATA_LIFETIME = timedelta(minutes=10)
RETRY_AFTER = timedelta(seconds=5)
"""Pause after a failed discovery: each request that waits holds a thread."""
Shape = TypeVar("Shape")
log = structlog.get_logger()


class Untrusted(Exception):
    """The code or ID token is invalid. The message is for the log."""


class _Document(msgspec.Struct):
    """Required fields of the discovery document."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    token_endpoint_auth_methods_supported: list[str] = msgspec.field(default_factory=lambda: [BASIC])


class _JwkSet(msgspec.Struct):
    """A JWK set."""

    keys: list[dict[str, Any]]


# Built at import: `structs.prepare` does not know modules that are loaded later.
_DOCUMENTS, _JWK_SETS = msgspec.json.Decoder(_Document), msgspec.json.Decoder(_JwkSet)


@dataclass
class _Metadata:
    """Discovery document and keys, with expiry."""

    document: _Document
    until: datetime
    keys: KeySet | None = None


class Provider:
    """The application's provider. No request is sent before the first sign-in."""

    def __init__(self, issuer: str, client_id: str, client_secret: str) -> None:
        self._issuer, self._client_id, self._client_secret = issuer, client_id, client_secret
        self._discovery = threading.BoundedSemaphore(1)
        self._metadata: _Metadata | None = None
        self._away_until: datetime | None = None

    def sign_in_address(self, *, state: str, nonce: str, verifier: str, back_to: str) -> str:
        """Return the authorization URL: Code Flow with PKCE, S256. Raises ProviderAway."""
        document = self._load_metadata().document
        with self._open_client(scope=SCOPE, redirect_uri=back_to, code_challenge_method="S256") as client:
            address, _ = client.create_authorization_url(
                document.authorization_endpoint, state=state, nonce=nonce, code_verifier=verifier
            )
        return str(address)

    def claims_of(self, code: str, *, nonce: str, verifier: str, back_to: str) -> dict[str, Any]:
        """Exchange the code; return verified claims. Raises Untrusted, ProviderAway."""
        metadata = self._load_metadata()
        id_token = self._exchange(metadata.document, code, verifier, back_to)
        try:
            return self._verify(id_token, metadata.keys or self._fetch_keys(metadata), nonce)
        except InvalidKeyIdError:
            log.info("oidc_keys_changed", issuer=self._issuer)
        try:
            return self._verify(id_token, self._fetch_keys(metadata), nonce)
        except InvalidKeyIdError as error:
            raise Untrusted("the ID token is signed with a key that is not published") from error

    def _exchange(self, document: _Document, code: str, verifier: str, back_to: str) -> str:
        ways = document.token_endpoint_auth_methods_supported
        way = POST if POST in ways and BASIC not in ways else BASIC
        with self._open_client(
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

    def _verify(self, id_token: str, keys: KeySet, nonce: str) -> dict[str, Any]:
        """Verify issuer, audience, nonce and times (Core, 3.1.3.7); return the claims."""
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

    def _load_metadata(self) -> _Metadata:
        """Return the metadata, cached for METADATA_LIFETIME. Raises ProviderAway."""
        metadata = self._metadata
        if metadata is not None and metadata.until > now():
            return metadata
        with hold(self._discovery):
            if self._metadata is None or self._metadata.until <= now():
                self._metadata = _Metadata(self._discover(), now() + METADATA_LIFETIME)
            return self._metadata

    def _discover(self) -> _Document:
        if self._away_until is not None and self._away_until > now():
            raise ProviderAway
        address = f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"
        try:
            document = self._fetch(address, _DOCUMENTS)
            self._check_document(document)
        except ProviderAway:
            self._away_until = now() + RETRY_AFTER
            raise
        return document

    def _check_document(self, document: _Document) -> None:
        """Raise ProviderAway for another issuer (Discovery, 4.3), or unencrypted endpoints."""
        endpoints = (document.authorization_endpoint, document.token_endpoint, document.jwks_uri)
        scheme, _, _ = self._issuer.partition("://")
        if document.issuer != self._issuer or not all(
            endpoint.startswith(f"{scheme}://") for endpoint in endpoints
        ):
            log.error("oidc_provider_is_another", issuer=self._issuer, found=document.issuer)
            raise ProviderAway

    def _fetch_keys(self, metadata: _Metadata) -> KeySet:
        """Fetch the signing keys. Unsupported kinds are skipped."""
        published = self._fetch(metadata.document.jwks_uri, _JWK_SETS).keys
        metadata.keys = KeySet([key for jwk in published if (key := _import_key(jwk)) is not None])
        return metadata.keys

    def _fetch(self, address: str, decoder: msgspec.json.Decoder[Shape]) -> Shape:
        with self._open_client() as client:
            response = client.get(address, withhold_token=True)
            response.raise_for_status()
            return decoder.decode(response.content)

    def _open_client(self, **options: Any) -> AbstractContextManager[Any]:
        return open_client(self._client_id, self._client_secret, **options)


def _import_key(jwk: dict[str, Any]) -> Key | None:
    try:
        return JWKRegistry.import_key(jwk)
    except Exception:  # noqa: BLE001 - one unreadable key must not affect others
        log.info("oidc_key_left_out", kind=str(jwk.get("kty")))
        return None
