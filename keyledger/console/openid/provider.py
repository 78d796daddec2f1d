"""The provider that people log in at: where it is, and who somebody is that comes back from it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from keyledger.console.openid.attempt import Attempt
from keyledger.console.openid.claims import claim, person_of, roles_of
from keyledger.console.openid.errors import ProviderFailed
from keyledger.console.openid.fetching import fetched, provider_client
from keyledger.console.openid.id_token import KeyNotKnown, claims_of
from keyledger.settings import Settings

CALLBACK: Final = "/console/login/openid/callback"
# How long what the provider says of itself is believed.
_REMEMBERED_S: Final = 3600.0
# And how long it is left alone after it failed.
_LEFT_ALONE_S: Final = 5.0
_ENDPOINTS: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri")


@dataclass(frozen=True, slots=True)
class Person:
    """Who logged in: a name for the log, and the roles that the provider says."""

    name: str
    roles: tuple[str, ...]


class Provider:
    """One OpenID Connect provider, by the settings. Each method raises ProviderFailed where it gives no good answer."""

    def __init__(self, settings: Settings) -> None:
        issuer, client_id, console = settings.require("openid_issuer", "openid_client_id", "console_url")
        self._settings = settings
        self._issuer, self._client_id, self._callback = issuer, client_id, console + CALLBACK
        self.name = urlsplit(issuer).netloc
        self._about: dict[str, Any] = {}
        self._keys: dict[str, Any] = {}
        self._read_at = -_REMEMBERED_S
        self._failure, self._failed_at = "", -_LEFT_ALONE_S
        self._turn = asyncio.Lock()

    async def address(self, attempt: Attempt) -> str:
        """Where the browser goes to log in."""
        async with provider_client() as http:
            about = await self._metadata(http)
        address: str = prepare_grant_uri(
            about["authorization_endpoint"],
            client_id=self._client_id,
            response_type="code",
            redirect_uri=self._callback,
            scope=self._settings.openid_scopes,
            state=attempt.state,
            nonce=attempt.nonce,
            code_challenge=create_s256_code_challenge(attempt.verifier),
            code_challenge_method="S256",
        )
        return address

    async def person(self, attempt: Attempt, code: str) -> Person:
        """Who came back with a code. Raises LogInRefused for somebody whom the provider does not name."""
        async with provider_client() as http:
            about = await self._metadata(http)
            answer = await self._tokens(http, about["token_endpoint"], attempt, code)
            claims = await self._claims(http, answer.get("id_token"), attempt)
            claims = await self._more(http, about.get("userinfo_endpoint"), answer.get("access_token"), claims)
        return Person(
            person_of(claims, self._settings.openid_person_claim), roles_of(claims, self._settings.openid_roles_claim)
        )

    async def _metadata(self, http: httpx.AsyncClient) -> dict[str, Any]:
        """What the provider says of itself, asked once for all who wait for it."""
        async with self._turn:
            if monotonic() - self._read_at < _REMEMBERED_S:
                return self._about
            if monotonic() - self._failed_at < _LEFT_ALONE_S:
                raise ProviderFailed(self._failure)
            try:
                self._about, self._keys = await self._read(http)
            except ProviderFailed as failed:
                self._failure, self._failed_at = str(failed), monotonic()
                raise
            self._read_at = monotonic()
            return self._about

    async def _read(self, http: httpx.AsyncClient) -> tuple[dict[str, Any], dict[str, Any]]:
        """Its metadata (OpenID Connect Discovery 1.0), and its keys."""
        about = await fetched(http, "GET", f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
        if about.get("issuer") != self._issuer:
            raise ProviderFailed(f"{self.name} calls itself another issuer than KEYLEDGER_OPENID_ISSUER has.")
        scheme = urlsplit(self._issuer).scheme
        for name in _ENDPOINTS:
            if urlsplit(str(about.get(name))).scheme not in {"https", scheme}:
                raise ProviderFailed(f"{self.name} has no {name} that can be used.")
        return about, await fetched(http, "GET", about["jwks_uri"])

    async def _tokens(self, http: httpx.AsyncClient, endpoint: str, attempt: Attempt, code: str) -> dict[str, Any]:
        body = prepare_token_request(
            "authorization_code", code=code, redirect_uri=self._callback, code_verifier=attempt.verifier
        )
        secret = self._settings.openid_client_secret
        auth = ClientAuth(self._client_id, secret, self._method(secret))
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        url, headers, body = auth.prepare("POST", endpoint, headers, body)
        return await fetched(http, "POST", url, headers, body)

    def _method(self, secret: str | None) -> str:
        """How we say who we are: in a header, where the provider does not take the body alone."""
        if secret is None:
            return "none"
        taken = self._about.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        return "client_secret_basic" if "client_secret_basic" in taken else "client_secret_post"

    async def _claims(self, http: httpx.AsyncClient, id_token: Any, attempt: Attempt) -> dict[str, Any]:
        if not isinstance(id_token, str):
            raise ProviderFailed(f"{self.name} answered without an ID token: KEYLEDGER_OPENID_SCOPES must have openid.")
        expected = {"issuer": self._issuer, "client_id": self._client_id, "nonce": attempt.nonce}
        try:
            return claims_of(id_token, self._keys, **expected)
        except KeyNotKnown:  # it has changed its keys since
            self._keys = await fetched(http, "GET", self._about["jwks_uri"])
        try:
            return claims_of(id_token, self._keys, **expected)
        except KeyNotKnown:
            raise ProviderFailed(f"The ID token is signed by a key that {self.name} does not list.") from None

    async def _more(
        self, http: httpx.AsyncClient, endpoint: Any, access_token: Any, claims: dict[str, Any]
    ) -> dict[str, Any]:
        """The claims with those that are in the userinfo alone, where one that is asked for is missing."""
        wanted = (self._settings.openid_person_claim, self._settings.openid_roles_claim)
        if all(claim(claims, name) is not None for name in wanted) or not endpoint or not access_token:
            return claims
        more = await fetched(http, "GET", str(endpoint), {"Authorization": f"Bearer {access_token}"})
        if more.get("sub") != claims["sub"]:  # OpenID Connect Core 1.0, section 5.3.2
            raise ProviderFailed(f"The userinfo of {self.name} is of somebody else than the ID token.")
        return {**more, **claims}
