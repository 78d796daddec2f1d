"""Which token may do what: every route of the API against every scope. A new route fails here until it is entered."""

from __future__ import annotations

import pytest

from keyledger.http import app as http_app
from registry.tokens.service import NewToken
from registry.tokens.state import SCOPES
from tests.support.api.service import OPERATOR, Api, assert_problem

KEYS = "/admin/api-keys"
PRICES = "/admin/prices"
WEBHOOKS = "/admin/webhooks"
# The scope that a route needs; None needs no token. `admin` has every scope.
NEEDED = {
    ("POST", KEYS): "keys:write",
    ("GET", KEYS): "keys:read",
    ("GET", f"{KEYS}/{{public_id}}"): "keys:read",
    ("PATCH", f"{KEYS}/{{public_id}}"): "keys:write",
    ("DELETE", f"{KEYS}/{{public_id}}"): "keys:write",
    ("POST", f"{KEYS}/bulk-create"): "keys:write",
    ("POST", f"{KEYS}/bulk-edit"): "keys:write",
    ("POST", f"{KEYS}/{{public_id}}/suspend"): "keys:write",
    ("POST", f"{KEYS}/{{public_id}}/resume"): "keys:write",
    ("POST", f"{KEYS}/{{public_id}}/rotate"): "keys:write",
    ("DELETE", f"{KEYS}/{{public_id}}/scheduled/{{position}}"): "keys:write",
    ("DELETE", f"{KEYS}/{{public_id}}/credentials/{{credential_id}}"): "keys:write",
    ("GET", f"{KEYS}/{{public_id}}/history"): "keys:read",
    ("GET", f"{KEYS}/{{public_id}}/usage"): "keys:read",
    ("POST", "/admin/tokens"): "admin",
    ("GET", "/admin/tokens"): "admin",
    ("GET", "/admin/tokens/{token_id}"): "admin",
    ("POST", "/admin/tokens/{token_id}/rotate"): "admin",
    ("DELETE", "/admin/tokens/{token_id}"): "admin",
    ("GET", "/admin/tag-policy"): "admin",
    ("PUT", "/admin/tag-policy"): "admin",
    ("PUT", f"{PRICES}/{{price_id}}"): "prices:write",
    ("GET", PRICES): "prices:read",
    ("GET", f"{PRICES}/{{price_id}}"): "prices:read",
    ("DELETE", f"{PRICES}/{{price_id}}"): "prices:write",
    ("GET", f"{PRICES}/{{price_id}}/history"): "prices:read",
    ("GET", "/admin/events"): "events:read",
    ("POST", WEBHOOKS): "admin",
    ("GET", WEBHOOKS): "admin",
    ("GET", f"{WEBHOOKS}/{{webhook_id}}"): "admin",
    ("DELETE", f"{WEBHOOKS}/{{webhook_id}}"): "admin",
    ("POST", f"{WEBHOOKS}/{{webhook_id}}/rotate"): "admin",
    ("POST", f"{WEBHOOKS}/{{webhook_id}}/test"): "admin",
    ("GET", f"{WEBHOOKS}/{{webhook_id}}/deliveries"): "admin",
    ("POST", f"{WEBHOOKS}/{{webhook_id}}/deliveries/{{position}}/replay"): "admin",
    ("POST", "/verify"): "keys:verify",
    ("GET", "/billing/usage"): "billing:read",
    ("GET", "/billing/compare"): "billing:read",
    ("GET", "/billing/focus"): "billing:read",
    ("GET", "/billing/inferences"): "billing:read",
    ("GET", "/audit/history/{public_id}"): "audit:read",
    ("GET", "/audit/state"): "audit:read",
    ("GET", "/audit/state/{public_id}"): "audit:read",
    ("GET", "/audit/diff"): "audit:read",
    ("GET", "/audit/explain/{inference_id}"): "audit:read",
    ("GET", "/audit/verify"): "audit:read",
    ("GET", "/audit/export"): "audit:read",
    ("GET", "/healthz"): None,
    ("HEAD", "/healthz"): None,
    ("HEAD", "/readyz"): None,
    ("HEAD", "/metrics"): None,
    ("GET", "/readyz"): None,
    ("GET", "/metrics"): None,
    ("GET", "/openapi.json"): None,
    ("GET", "/docs"): None,
    ("GET", "/docs/page.js"): None,
}
# The document, and what shows it.
UNDOCUMENTED = {("GET", "/openapi.json"), ("GET", "/docs"), ("GET", "/docs/page.js")}
# Ids of nobody: any caller with the right scope gets a 404, and nothing is changed.
NOBODY = {
    "public_id": "AAAAAAAAAAAA", "credential_id": "AAAAAAAAAAAA", "price_id": "none",
    "inference_id": "01953a3e-0000-7000-8000-000000000001", "position": "1", "token_id": "AAAAAAAAAAAA",
    "webhook_id": "01953a3e-0000-7000-8000-000000000001",
}  # fmt: skip
# Without waiting for a projector, which does not run here.
QUERY = {"/audit/verify": "?wait_s=0"}
ROUTES = pytest.mark.parametrize("route", NEEDED, ids=" ".join)


@pytest.fixture(scope="session")
async def tokens(shared_api: Api) -> dict[str, str]:
    """A token of each scope alone."""
    create = shared_api.services.registry.tokens.create
    return {scope: (await create(NewToken(f"only {scope}", (scope,)), OPERATOR)).text for scope in SCOPES}


def path_of(template: str) -> str:
    """A path of a route, of nobody's things."""
    return template.format(**NOBODY) + QUERY.get(template, "")


def routes_of(routers: tuple[object, ...]) -> set[tuple[str, str]]:
    """The methods and paths of routers."""
    return {
        (method, route.path)
        for router in routers
        for route in router.routes  # type: ignore[attr-defined]
        for method in route.methods
    }


async def status_of(api: Api, route: tuple[str, str], authorization: str | None) -> int:
    """How a request is answered, which appends nothing."""
    method, template = route
    headers = {} if authorization is None else {"Authorization": authorization}
    before = await api.head()
    answer = await api.client.request(method, path_of(template), headers=headers)
    assert await api.head() == before
    if answer.status_code in {401, 403}:
        assert_problem(answer, answer.status_code)
    return answer.status_code


async def test_every_route_is_entered_and_documented(shared_api: Api) -> None:
    assert routes_of(http_app._PUBLIC) | UNDOCUMENTED == set(NEEDED)
    paths = (await shared_api.client.get("/openapi.json")).json()["paths"]
    documented = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    # HEAD is answered like GET, and documented with it.
    assert documented | UNDOCUMENTED == {route for route in NEEDED if route[0] != "HEAD"}


@ROUTES
async def test_a_scope_opens_its_routes_and_no_other(
    shared_api: Api, tokens: dict[str, str], route: tuple[str, str]
) -> None:
    for scope, token in tokens.items():
        status = await status_of(shared_api, route, f"Bearer {token}")
        assert status < 500 or status == 503, scope
        assert status != 401, scope
        allowed = NEEDED[route] in {None, scope} or scope == "admin"
        assert (status != 403) is allowed, f"{scope} got {status}"


@ROUTES
async def test_without_a_live_token_a_protected_route_is_401_and_says_no_more(
    shared_api: Api, route: tuple[str, str]
) -> None:
    live, revoked = shared_api.tokens["admin"], shared_api.tokens["revoked"]
    for what, value in {
        "no header": None,
        "an empty one": "",
        "a revoked token": f"Bearer {revoked}",
        "another scheme": f"Basic {live}",
        "no scheme": live,
        "a token cut short": f"Bearer {live[:-1]}",
        "a token and more": f"Bearer {live}x",
        "another secret": f"Bearer {live[:-4]}AAAA",
        "another token's id": f"Bearer {live[:9]}{revoked[9:21]}{live[21:]}",
        "capital letters": f"Bearer {live.upper()}",
        "two tokens": f"Bearer {revoked}, Bearer {live}",
        "a key": "Bearer sk-t0-" + live.removeprefix("kl-admin-"),
    }.items():
        status = await status_of(shared_api, route, value)
        assert (status == 401) is (NEEDED[route] is not None), f"{what}: {status}"


async def test_what_only_the_operator_may_do_is_not_there_for_any_token(
    shared_api: Api, tokens: dict[str, str]
) -> None:
    operators = routes_of(http_app._OPERATOR) - routes_of(http_app._PUBLIC)
    assert len(operators) > 10
    for method, template in operators:
        path = template.format(**NOBODY, target="x")
        answer = await shared_api.client.request(method, path, headers={"Authorization": f"Bearer {tokens['admin']}"})
        assert_problem(answer, 404)
