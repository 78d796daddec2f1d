"""The provider that people log in at: where it is, and who somebody is that comes back from it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final
from urllib.parse import quote_plus, urlsplit

import httpx
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from keyledger.console.openid.attempt import Attempt
from keyledger.console.openid.claims import claim, person_of, roles_of
from keyledger.console.openid.errors import ProviderFailed
from keyledger.console.openid.fetching import fetched, place_of, printable, provider_client
from keyledger.console.openid.id_token import OtherKeys, claims_of
from keyledger.settings import Settings
from registry.tokens.attempts import Attempts

_BASIC: Final = "client_secret_basic"
# How long what the provider says of itself is believed.
_REMEMBERED_S: Final = 3600.0
# And how long it is left alone after it failed.
_LEFT_ALONE_S: Final = 5.0
_ENDPOINTS: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri")
# Longest wait of a person for all that the provider is asked, and how many are waited for at once.
_LOG_IN_S: Final = 20.0
_AT_ONCE: Final = 8


@dataclass(frozen=True, slots=True)
class Person:
    """Who logged in: a name for the log, and the roles that the provider says."""

    name: str
    roles: tuple[str, ...]


class Provider:
    """One OpenID Connect provider, by the settings, which leads browsers back to the path `callback`.

    Each method raises ProviderFailed where it gives no good answer.
    """

    def __init__(self, settings: Settings, callback: str) -> None:
        issuer, client_id, console = settings.require("openid_issuer", "openid_client_id", "console_url")
        self._settings = settings
        self._issuer, self._client_id, self._callback = issuer, client_id, console + callback
        self.name = urlsplit(issuer).netloc
        self._about: dict[str, Any] = {}
        self._keys: dict[str, Any] = {}
        self._read_at = -_REMEMBERED_S
        self._failure, self._failed_at = "", -_LEFT_ALONE_S
        self._turn, self._turns = asyncio.Lock(), asyncio.Semaphore(_AT_ONCE)
        self.attempts = Attempts(settings.bad_tokens_per_minute)

    async def address(self, attempt: Attempt) -> str:
        """Where the browser goes to log in."""
        async with self._asking() as http:
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
        who, roles = self._settings.openid_person_claim, self._settings.openid_roles_claim
        async with self._asking() as http:
            about = await self._metadata(http)
            answer = await self._tokens(http, about["token_endpoint"], attempt, code)
            claims = await self._claims(http, answer.get("id_token"), attempt)
            more: dict[str, Any] = {}
            if any(claim(claims, name) is None for name in (who, roles)):
                more = await self._userinfo(http, about.get("userinfo_endpoint"), answer.get("access_token"), claims)
        first = {name: more if claim(claims, name) is None else claims for name in (who, roles)}
        return Person(person_of(first[who], who), roles_of(first[roles], roles))

    @asynccontextmanager
    async def _asking(self) -> AsyncIterator[httpx.AsyncClient]:
        """A client for what one log-in asks, in its turn and within its time."""
        if self._turns.locked():
            raise ProviderFailed("Many people log in just now: try again in a moment.")
        try:
            async with asyncio.timeout(_LOG_IN_S), self._turns, provider_client() as http:
                yield http
        except TimeoutError:
            raise ProviderFailed(f"{self.name} did not answer within {_LOG_IN_S:g} s.") from None

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
            words = (
                f"{self.name} calls itself {printable(about.get('issuer'))}: KEYLEDGER_OPENID_ISSUER must be the same."
            )
            raise ProviderFailed(words)
        for name in _ENDPOINTS:
            self._check(name, about.get(name))
        if about.get("userinfo_endpoint") is not None:
            self._check("userinfo_endpoint", about["userinfo_endpoint"])
        return about, await fetched(http, "GET", about["jwks_uri"])

    def _check(self, name: str, url: object) -> None:
        """Raise ProviderFailed for an address that is none, or that anybody on the way could read."""
        place = place_of(str(url))
        if not place or not str(url).startswith(("https://", f"{urlsplit(self._issuer).scheme}://")):
            raise ProviderFailed(f"{self.name} has no {name} that can be used.")

    async def _tokens(self, http: httpx.AsyncClient, endpoint: str, attempt: Attempt, code: str) -> dict[str, Any]:
        body = prepare_token_request(
            "authorization_code", code=code, redirect_uri=self._callback, code_verifier=attempt.verifier
        )
        secret = self._settings.openid_client_secret
        method = self._method(secret)
        named = [self._client_id, secret or ""]
        if method == _BASIC:  # RFC 6749, section 2.3.1
            named = [quote_plus(one) for one in named]
        auth = ClientAuth(*named, method)
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        url, headers, body = auth.prepare("POST", endpoint, headers, body)
        return await fetched(http, "POST", url, headers, body)

    def _method(self, secret: str | None) -> str:
        """How we say who we are: in a header, where the provider does not take the body alone."""
        if secret is None:
            return "none"
        taken = self._about.get("token_endpoint_auth_methods_supported")
        return "client_secret_post" if isinstance(taken, list) and taken and _BASIC not in taken else _BASIC

    async def _claims(self, http: httpx.AsyncClient, id_token: Any, attempt: Attempt) -> dict[str, Any]:
        if not isinstance(id_token, str):
            raise ProviderFailed(f"{self.name} answered without an ID token: KEYLEDGER_OPENID_SCOPES must have openid.")
        expected = {"issuer": self._issuer, "client_id": self._client_id, "nonce": attempt.nonce}
        try:
            return claims_of(id_token, self._keys, **expected)
        except OtherKeys:
            self._keys = await fetched(http, "GET", self._about["jwks_uri"])
        try:
            return claims_of(id_token, self._keys, **expected)
        except OtherKeys:
            raise ProviderFailed(f"The ID token is not signed by a key that {self.name} lists.") from None

    async def _userinfo(
        self, http: httpx.AsyncClient, endpoint: Any, access_token: Any, claims: dict[str, Any]
    ) -> dict[str, Any]:
        """The claims of the userinfo; none where there is none to ask."""
        if not endpoint or not isinstance(access_token, str):
            return {}
        more = await fetched(http, "GET", endpoint, {"Authorization": f"Bearer {access_token}"})
        if more.get("sub") != claims["sub"]:  # OpenID Connect Core 1.0, section 5.3.2
            raise ProviderFailed(f"The userinfo of {self.name} is of somebody else than the ID token.")
        return more
