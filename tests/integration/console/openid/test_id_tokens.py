"""What of an ID token, and of the keys that it is signed by, is not believed."""

from __future__ import annotations

import hmac
import json
import time
from typing import Any

import pytest
from fastapi.responses import JSONResponse
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from joserfc.jws import JWSRegistry
from joserfc.util import urlsafe_b64encode

from tests.support.api.service import Api
from tests.support.openid_log_ins import logged_in_at
from tests.support.openid_provider import CLIENT_ID, CLIENT_SECRET, Claims, OpenIdProvider, signed


def without(name: str) -> Any:
    return lambda claims: {key: value for key, value in claims.items() if key != name}


def by_none(_provider: OpenIdProvider, claims: Claims) -> str:
    parts = (json.dumps({"alg": "none"}).encode(), json.dumps(claims).encode())
    return ".".join([*(urlsafe_b64encode(one).decode() for one in parts), ""])


def by_our_secret(_provider: OpenIdProvider, claims: Claims) -> str:
    return jwt.encode(
        {"alg": "HS256"}, claims, OctKey.import_key(CLIENT_SECRET), registry=JWSRegistry(algorithms=["HS256"])
    )


def by_its_public_key(provider: OpenIdProvider, claims: Claims) -> str:
    """What everybody knows, as a secret: joserfc itself would not sign so."""
    parts = (json.dumps({"alg": "HS256", "kid": "first"}).encode(), json.dumps(claims).encode())
    text = b".".join(urlsafe_b64encode(one) for one in parts)
    code = hmac.new(provider.key.as_pem(private=False), text, "sha256").digest()
    return (text + b"." + urlsafe_b64encode(code)).decode()


def by_another_key(_provider: OpenIdProvider, claims: Claims) -> str:
    key = RSAKey.generate_key(2048, {"kid": "first"})
    return jwt.encode({"alg": "RS256", "kid": "first"}, claims, key)


def changed_after(provider: OpenIdProvider, claims: Claims) -> str:
    header, _, signature = signed(provider, claims).split(".")
    return ".".join(
        [header, urlsafe_b64encode(json.dumps({**claims, "groups": ["operations"]}).encode()).decode(), signature]
    )


SPOILT = {
    "another issuer": lambda claims: {**claims, "iss": "https://evil.example"},
    "another client": lambda claims: {**claims, "aud": "somebody-else"},
    "another client too": lambda claims: {**claims, "aud": [CLIENT_ID, "b"], "azp": "b"},
    "ended": lambda claims: {**claims, "exp": int(time.time()) - 600},
    "not yet": lambda claims: {**claims, "nbf": int(time.time()) + 600},
    "another log-in": lambda claims: {**claims, "nonce": "n" * 64},
    "no nonce": without("nonce"),
    "no audience": without("aud"),
    "no end": without("exp"),
    "no subject": without("sub"),
    "an end that is a text": lambda claims: {**claims, "exp": "tomorrow"},
}
FORGED = {one.__name__: one for one in (by_none, by_our_secret, by_its_public_key, by_another_key, changed_after)}


@pytest.mark.parametrize("fault", [*SPOILT, *FORGED, "no token", "a token of rubbish", "an empty token"])
async def test_an_id_token_that_is_not_right_lets_nobody_in(
    api: Api, provider: OpenIdProvider, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    if fault in SPOILT:
        provider.spoil = SPOILT[fault]
    elif fault in FORGED:
        provider.sign = FORGED[fault]
    else:
        texts = {"no token": None, "a token of rubbish": "a.b.c", "an empty token": ""}
        provider.sign = lambda _provider, _claims: texts[fault]  # type: ignore[return-value,assignment]
    visitor, answer = await logged_in_at(api, provider)
    assert answer.status_code == 503, answer.text
    assert "ID token" in answer.text
    assert visitor.session is None
    assert "ID token" in caplog.text
    assert CLIENT_SECRET not in caplog.text + answer.text


async def test_a_provider_that_changes_its_keys_is_asked_for_them_once_more(api: Api, provider: OpenIdProvider) -> None:
    assert (await logged_in_at(api, provider))[1].status_code == 200
    provider.rotate()
    assert (await logged_in_at(api, provider))[1].status_code == 200
    assert (await logged_in_at(api, provider))[1].status_code == 200
    assert provider.asked.count("/keys") == 2
    assert provider.asked.count("/.well-known/openid-configuration") == 1
    provider.sign = lambda own, claims: jwt.encode({"alg": "RS256", "kid": "unknown"}, claims, own.key)
    _, answer = await logged_in_at(api, provider)
    assert (answer.status_code, "a key that" in answer.text) == (503, True)


@pytest.mark.parametrize(
    "odd",
    [
        {"kty": "EC", "crv": "BP-256", "x": "AA", "y": "AA", "kid": "odd"},
        {"kty": "RSA", "kid": 7, "e": "AQAB"},
        {"kty": "RSA", "use": "tls", "n": "AA", "e": "AQAB"},
        {"kty": "oct", "k": "AAAA"},
        {"kty": "AKP", "kid": "new"},
        {},
    ],
)
async def test_keys_of_other_kinds_keep_nobody_out(api: Api, provider: OpenIdProvider, odd: Claims) -> None:
    provider.other_keys = [odd]
    assert (await logged_in_at(api, provider))[1].status_code == 200


async def test_keys_that_were_wrong_once_are_asked_for_again(api: Api, provider: OpenIdProvider) -> None:
    provider.answers["/keys"] = JSONResponse({"keys": []})
    assert (await logged_in_at(api, provider))[1].status_code == 503
    provider.answers.clear()
    assert (await logged_in_at(api, provider))[1].status_code == 200
    provider.key = RSAKey.generate_key(2048, {"kid": "first", "use": "sig"})
    assert (await logged_in_at(api, provider))[1].status_code == 200, "another key of the same name"
