"""An OpenID Connect provider on loopback, by real HTTP, which can also go wrong in the ways that a client must notice.

Whom it knows is chosen on its page: there are no passwords.
"""

from __future__ import annotations

import time
from base64 import b64decode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from html import escape
from secrets import token_urlsafe
from typing import Any, Final
from urllib.parse import parse_qs, unquote_plus, urlencode, urlsplit

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from joserfc.jws import JWSRegistry
from joserfc.util import urlsafe_b64encode

from keyledger.runtime.serving.server import bind_tcp, serving

CLIENT_ID: Final = "keyledger"
CLIENT_SECRET: Final = "p/ss+w:rd=" + "x" * 20
Claims = dict[str, Any]


@dataclass
class OpenIdProvider:
    """Its people by what they are called on its page; `spoil` changes an ID token's claims before it is signed."""

    issuer: str = ""
    people: dict[str, Claims] = field(default_factory=dict)
    in_userinfo: frozenset[str] = frozenset()
    spoil: Callable[[Claims], Claims] = lambda claims: claims
    sign: Callable[[OpenIdProvider, Claims], str] | None = None
    secret: str | None = CLIENT_SECRET
    about: Claims = field(default_factory=dict)
    answers: dict[str, Response] = field(default_factory=dict)
    key: RSAKey = field(default_factory=lambda: _key("first"))
    other_keys: list[Claims] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    _codes: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)
    _granted: dict[str, str] = field(default_factory=dict)

    @property
    def metadata(self) -> Claims:
        """What it says of itself."""
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "jwks_uri": f"{self.issuer}/keys",
            **self.about,
        }

    def rotate(self) -> None:
        """Sign with a new key from now on, and list that alone."""
        self.key = _key("second")

    def come_back(self, address: str, person: str) -> str:
        """Where the browser is sent back to, when the person logs in at the address that we sent it to."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT_ID
        assert asked["code_challenge_method"] == "S256"
        code = token_urlsafe()
        self._codes[code] = person, asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def tokens(self, code: str, verifier: str, redirect_uri: str) -> Claims | None:
        """The tokens for a code, once; None for what is not of one log-in."""
        person, asked = self._codes.pop(code, ("", {}))
        challenge = urlsafe_b64encode(sha256(verifier.encode()).digest()).decode()
        if not person or asked["redirect_uri"] != redirect_uri or asked["code_challenge"] != challenge:
            return None
        now = int(time.time())
        known = {name: value for name, value in self.people[person].items() if name not in self.in_userinfo}
        claims = {"iss": self.issuer, "sub": person, "aud": CLIENT_ID, "iat": now, "exp": now + 300}
        claims = self.spoil({**claims, "nonce": asked["nonce"], **known})
        access = token_urlsafe()
        self._granted[access] = person
        return {"access_token": access, "token_type": "Bearer", "id_token": (self.sign or signed)(self, claims)}

    def userinfo(self, access_token: str) -> Claims | None:
        """The claims of the person whom a token was given for."""
        person = self._granted.get(access_token)
        return None if person is None else {"sub": person, **self.people[person]}


def signed(provider: OpenIdProvider, claims: Claims) -> str:
    """The claims as the provider signs them."""
    return jwt.encode({"alg": "RS256", "kid": provider.key.kid}, claims, provider.key, registry=JWSRegistry())


def _key(kid: str) -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": kid, "use": "sig", "alg": "RS256"})


@asynccontextmanager
async def providing(host: str = "127.0.0.1") -> AsyncIterator[OpenIdProvider]:
    """A provider that is well, until the block ends; `host` is what its addresses say."""
    provider = OpenIdProvider()
    with bind_tcp("127.0.0.1", 0) as tcp:
        provider.issuer = f"http://{host}:{tcp.getsockname()[1]}"
        async with serving([(_app(provider), tcp)]):
            yield provider


def _app(provider: OpenIdProvider) -> FastAPI:
    app = FastAPI()

    @app.middleware("http")
    async def noted(request: Request, call_next: Any) -> Response:
        provider.asked.append(request.url.path)
        answer: Response = provider.answers.get(request.url.path) or await call_next(request)
        return answer

    @app.get("/.well-known/openid-configuration")
    async def about() -> Claims:
        return provider.metadata

    @app.get("/keys")
    async def keys() -> Any:
        return {"keys": [*provider.other_keys, *KeySet([provider.key]).as_dict(private=False)["keys"]]}

    @app.get("/authorize")
    async def authorize(request: Request) -> HTMLResponse:
        links = (
            f'<li><a href="{escape(provider.come_back(str(request.url), one))}">{escape(one)}</a></li>'
            for one in provider.people
        )
        return HTMLResponse(f"<!doctype html><title>Who are you?</title><ul>{''.join(links)}</ul>")

    @app.post("/token")
    async def token(request: Request) -> JSONResponse:
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        if not _is_client(provider, request, form):
            return JSONResponse({"error": "invalid_client"}, 401)
        made = provider.tokens(form["code"], form.get("code_verifier", ""), form["redirect_uri"])
        return JSONResponse(made or {"error": "invalid_grant"}, 200 if made else 400)

    @app.get("/userinfo")
    async def userinfo(request: Request) -> JSONResponse:
        found = provider.userinfo(request.headers["authorization"].removeprefix("Bearer "))
        return JSONResponse(found, 401 if found is None else 200)

    return app


def _is_client(provider: OpenIdProvider, request: Request, form: dict[str, str]) -> bool:
    methods = provider.about.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    if provider.secret is None:
        return form.get("client_id") == CLIENT_ID and "authorization" not in request.headers
    if isinstance(methods, list) and "client_secret_basic" not in methods:
        return (form.get("client_id"), form.get("client_secret")) == (CLIENT_ID, provider.secret)
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    client_id, _, secret = b64decode(text).decode().partition(":")
    return scheme == "Basic" and (unquote_plus(client_id), unquote_plus(secret)) == (CLIENT_ID, provider.secret)
