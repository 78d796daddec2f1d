"""The ID token: who logged in, signed by the provider (OpenID Connect Core 1.0, section 3.1.3.7)."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import BadSignatureError, InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet, import_key
from joserfc.jws import JWSRegistry

from keyledger.console.openid.errors import ProviderFailed
from keyledger.console.openid.fetching import printable

# Signatures by a key that the provider alone has: for HS256 our own secret would do, and `none` needs no key.
_ALGORITHMS: Final = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "Ed25519",
    "EdDSA",
)
_KEY_TYPES: Final = frozenset({"RSA", "EC", "OKP"})
_LEEWAY_S: Final = 120
# The older name of Ed25519, which most providers use still.
warnings.filterwarnings("ignore", message="EdDSA is deprecated")


class OtherKeys(Exception):
    """The token is signed by none of the keys: the provider may have changed them since they were read."""


def claims_of(id_token: str, keys: Mapping[str, Any], *, issuer: str, client_id: str, nonce: str) -> dict[str, Any]:
    """The claims of a token that the issuer signed for this client and this log-in, and that has not ended.

    `keys` is the issuer's JWK set. Raises ProviderFailed, which says what is wrong with the token, and OtherKeys.
    """
    if not (usable := _usable(keys)):
        raise OtherKeys
    try:
        signed_by = KeySet(usable)
        registry = JWSRegistry(algorithms=list(_ALGORITHMS), strict_check_header=False)
        token = jwt.decode(id_token, signed_by, registry=registry)
        options: Any = {"iss": {"essential": True, "value": issuer}, "aud": {"essential": True, "value": client_id}}
        claims = CodeIDToken(token.claims, token.header, options, {"nonce": nonce, "client_id": client_id})
        claims.validate(leeway=_LEEWAY_S)
    except (InvalidKeyIdError, BadSignatureError):
        raise OtherKeys from None
    except (JoseError, ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        raise ProviderFailed(f"The ID token of {issuer} can't be trusted: {printable(error)}.") from None
    return dict(claims)


def _usable(keys: Mapping[str, Any]) -> list[Any]:
    """The keys that can check a signature; a set may have others, also of kinds that are not known here."""
    found, listed = [], keys.get("keys")
    for one in listed if isinstance(listed, list) else []:
        if isinstance(one, dict) and one.get("kty") in _KEY_TYPES and one.get("use") != "enc":
            with suppress(JoseError, ValueError, TypeError, KeyError, AttributeError):
                found.append(import_key(one))
    return found
