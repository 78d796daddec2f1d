"""The client against the API on a socket: keys, versions, repeats, pages, events, prices and bills, in both manners."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

import httpx
import pytest

from keyledger.client import (
    AsyncClient,
    Call,
    Client,
    Conflict,
    Forbidden,
    NotFound,
    NotModified,
    Refused,
    Retries,
    Unauthenticated,
    Unreachable,
    VersionMismatch,
)
from keyledger.client.calls import (
    compare_bills,
    create_key,
    edit_key,
    end_price,
    list_billed_inferences,
    list_events,
    list_key_events,
    list_keys,
    list_price_events,
    list_prices,
    resume_key,
    revoke_credential,
    revoke_key,
    rotate_key,
    set_price,
    set_tag_policy,
    show_bill,
    show_key,
    show_key_usage,
    show_price,
    show_tag_policy,
    suspend_key,
    try_tag_policy,
    verify_key,
    what_if,
)
from keyledger.runtime.serving.server import bind_tcp, serving
from projections.ledger.log_tail import LogTail
from projections.ledger.projector import Projector
from registry.instant import to_ms
from tests.support.api.service import Api, open_api
from tests.support.bill_world import World, chat, model, uuid7
from tests.support.kafka_world import running
from tests.support.servers.databases import Database

T = TypeVar("T")
END = datetime(2099, 1, 1, tzinfo=UTC)
QUICK = Retries(first_pause_s=0.001, longest_pause_s=0.01)


@dataclass(frozen=True, slots=True)
class Served:
    """The API on a socket of loopback."""

    api: Api
    url: str

    def client(self, by: str = "admin", **more: Any) -> AsyncClient:
        """A client with one of the tokens."""
        return AsyncClient(self.url, self.api.tokens[by], **more)

    async def as_a_script(self, work: Callable[[Client], T], **more: Any) -> T:
        """What a script with the client for threads gives."""

        def run() -> T:
            with Client(self.url, self.api.tokens["admin"], **more) as client:
                return work(client)

        return await asyncio.to_thread(run)


@pytest.fixture
async def served(database: Database, world: World) -> AsyncIterator[Served]:
    """With its ledger in ClickHouse, which a projector keeps up."""
    bound = bind_tcp("127.0.0.1", 0)
    async with open_api(database, world.clickhouse, world.names) as api:
        log = api.services.registry.log
        projector = Projector(LogTail(log), api.services.store, str(log.log_id))
        async with serving([(api.app, bound)]), running(projector.run()):
            yield Served(api, f"http://127.0.0.1:{bound.getsockname()[1]}")


async def test_the_life_of_a_key(served: Served) -> None:
    async with served.client(on_behalf_of="Zoë") as client:
        made = await client.answer(create_key({"customer_id": "acme"}, description="one", expiration=END))
        key = made.value
        assert key.api_key.startswith("sk-t0-")
        assert (key.tags, key.expiration, key.status) == ({"customer_id": "acme"}, END, "active")
        assert (made.version, made.at_gateway) == (1, None)
        assert (made.position or 0) >= key.position
        said = await client.send(verify_key(key.api_key))
        assert (said.valid, said.tags) == (True, key.tags)

        edited = await client.send(edit_key(key.public_id, tags={"customer_id": None, "a": "b"}, description=None))
        assert (edited.tags, edited.description, edited.expiration) == ({"a": "b"}, None, END)
        assert await client.send(show_key(key.public_id, known_at=key.position)) != edited
        assert (await client.send(suspend_key(key.public_id, reason="unpaid"))).status == "suspended"
        assert (await client.send(resume_key(key.public_id))).status == "active"
        rotated = await client.send(rotate_key(key.public_id, overlap_s=60))
        assert rotated.api_key != key.api_key
        ended = await client.send(revoke_credential(key.public_id, key.public_id))
        assert [one.revoked_at is None for one in ended.credentials] == [False, True]
        assert (await client.send(revoke_key(key.public_id, reason="done"))).status == "revoked"
        events = [event async for event in client.items(list_key_events(key.public_id, limit=2))]
        assert [event.type for event in events] == [
            *("KeyCreated", "TagsChanged", "KeyDescribed", "KeySuspended", "KeyResumed", "KeyRotated"),
            *("CredentialRevoked", "KeyRevoked"),
        ]
        assert {event.on_behalf_of for event in events} == {"Zoë"}
        assert (await client.send(show_key_usage(key.public_id))).items[0].last_used_at is None


async def test_a_refusal_is_an_exception_with_its_fields(served: Served) -> None:
    async with served.client() as client, served.client("reader") as reader, served.client("revoked") as nobody:
        with pytest.raises(Refused) as refused:
            await client.send(create_key({"model": "x", "a": ""}))
        assert refused.value.messages().keys() == {"tags.model", "tags.a"}
        assert refused.value.request_id
        with pytest.raises(NotFound):
            await client.send(show_key("a" * 12))
        with pytest.raises(Forbidden):
            await reader.send(create_key())
        with pytest.raises(Unauthenticated):
            await nobody.send(list_keys())
        key = await client.send(create_key())
        await client.send(revoke_key(key.public_id))
        with pytest.raises(Conflict):
            await client.send(rotate_key(key.public_id, compromised=True))


async def test_versions_keep_two_admins_apart(served: Served) -> None:
    async with served.client() as client:
        key = await client.send(create_key())
        edit = edit_key(key.public_id, description="mine").if_match(key.version)
        edited = await client.send(edit)
        with pytest.raises(VersionMismatch):
            await client.send(edit)
        with pytest.raises(NotModified):
            await client.send(show_key(key.public_id).if_none_match(edited.version))
        assert (await client.send(show_key(key.public_id).if_none_match(key.version))).description == "mine"


class Forgetful(httpx.AsyncBaseTransport):
    """A network that loses the first answers, after the requests have arrived."""

    def __init__(self, loses: int) -> None:
        self._inner = httpx.AsyncHTTPTransport()
        self.left = loses

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send it, and perhaps lose what comes back."""
        answer = await self._inner.handle_async_request(request)
        if self.left:
            self.left -= 1
            await answer.aread()
            await answer.aclose()
            raise httpx.ReadError("lost", request=request)
        return answer

    async def aclose(self) -> None:
        """Close what is below."""
        await self._inner.aclose()


async def test_an_answer_that_is_lost_is_asked_for_again_and_nothing_is_done_twice(served: Served) -> None:
    transport = Forgetful(2)
    http = httpx.AsyncClient(base_url=served.url, transport=transport)
    async with served.client(retries=QUICK, http=http) as client:
        made = await client.answer(create_key({"n": "1"}))
        assert made.replayed
        assert [key.public_id async for key in client.items(list_keys())] == [made.value.public_id]
        assert (await client.send(verify_key(made.value.api_key))).valid
        transport.left = 1
        edited = await client.send(edit_key(made.value.public_id, description="x").if_match(1))
        assert edited.version == 2, "the repeat is not held against the version that the first try made"


async def test_over_a_connection_without_a_token_a_change_is_sent_once(served: Served) -> None:
    http = httpx.AsyncClient(base_url=served.url, transport=Forgetful(1), headers=served.api.bearer("admin"))
    async with AsyncClient.over(http) as client:
        with pytest.raises(Unreachable, match="may have been made"):
            await client.send(create_key())
        assert len([key async for key in client.items(list_keys())]) == 1


async def test_a_registry_that_is_not_there_is_said_in_time() -> None:
    bound = bind_tcp("127.0.0.1", 0)
    url = f"http://127.0.0.1:{bound.getsockname()[1]}"
    async with AsyncClient(url, "x", retries=Retries(tries=3, first_pause_s=0.001)) as client:
        with pytest.raises(Unreachable, match="3 tries"):
            await client.send(create_key())
    bound.close()


async def test_lists_come_page_by_page_and_filters_hold(served: Served) -> None:
    async with served.client() as client:
        made = [await client.send(create_key({"n": str(number % 2)})) for number in range(7)]
        ids = [key.public_id for key in reversed(made)]
        assert [key.public_id async for key in client.items(list_keys(limit=3))] == ids
        even = list_keys(tag=["n:0"], has_tag=["n"], status=["active", "expired"], created_until=END, limit=2)
        assert [key.public_id async for key in client.items(even)] == ids[::2]
        assert (await client.send(list_keys(count=True, limit=1))).total == 7
    found = await served.as_a_script(lambda script: [key.public_id for key in script.items(list_keys(limit=3))])
    assert found == ids


async def test_events_are_followed_from_where_one_left_off(served: Served) -> None:
    head = await served.api.head()
    async with served.client() as client:
        keys = [await client.send(create_key({"n": str(number)})) for number in range(3)]
        call = list_events(head, types=["KeyCreated"], limit=2)
        followed = client.follow(call)
        found = [await anext(followed) for _ in range(3)]
        assert [event.subject for event in found] == [key.public_id for key in keys]
        assert [event.data.payload["tags"]["n"] for event in found] == ["0", "1", "2"]
        waiting = asyncio.ensure_future(anext(followed))
        later = await client.send(create_key())
        assert (await waiting).position == later.position
        await followed.aclose()

    def script(client: Client) -> list[str]:
        return [event.type for event in itertools.islice(client.follow(call), 4)]

    assert await served.as_a_script(script) == ["keyledger.KeyCreated.v1"] * 4


async def test_money_is_exact_from_the_price_to_the_inference(served: Served, world: World) -> None:
    async with served.client() as client:
        key = await client.send(create_key({"customer_id": "acme"}))
        price = await client.send(
            set_price("mine", model="*", currency="EUR", per_million={"input": Decimal("1E+1")}, per_inference="0.002")
        )
        assert (price.per_million, price.per_inference, price.status) == (
            {"input": Decimal(10)},
            Decimal("0.002"),
            "active",
        )
        since = key.created_at
        at_ms = max(to_ms(since), to_ms(price.effective_at)) + 10
        used = uuid7(at_ms)
        await world.serve([chat(used, key.public_id), model(uuid7(at_ms + 1), used)])
        head = (await client.answer(list_keys(limit=1))).position
        question = show_bill(
            since=since, until=since + timedelta(hours=1), group_by=["customer_id"], wait_for=head, time_zone="UTC"
        )
        bill = await client.send(question)
        (line,) = bill.lines
        assert (line.by, line.inferences, line.cost_usd) == ({"customer_id": "acme"}, 1, Decimal("0.001"))
        assert [(one.currency, one.amount) for one in line.charges] == [("EUR", Decimal("0.0021"))]
        assert len(bill.coverage) == 7
        (inference,) = [one async for one in client.items(list_billed_inferences(question, by=["customer_id:acme"]))]
        assert (inference.inference_id, inference.prices[0].price_id) == (used, "mine")

        change = edit_key(key.public_id, tags={"customer_id": "globex"}, effective_at=since, reason="ticket")
        would = await client.send(what_if(change, group_by=["customer_id"]))
        assert [line.by["customer_id"] for line in would.lines] == ["acme", "globex"]
        edited = await client.send(change)
        now = question.asking(wait_for=edited.position)
        compared = await client.send(compare_bills(now, base_known_at=edited.position - 1))
        assert [(one.by["customer_id"], one.base is None, one.current is None) for one in compared.lines] == [
            ("acme", False, True),
            ("globex", True, False),
        ]
        assert compared.total.difference.inferences == 0

        assert (await client.send(end_price("mine"))).status == "ended"
        assert [one.price_id async for one in client.items(list_prices(limit=1))] == ["mine"]
        assert [one.type async for one in client.items(list_price_events("mine"))] == ["PriceSet", "PriceEnded"]
        assert (await client.send(show_price("mine", known_at=price.position))).status == "active"


async def test_a_tag_policy_is_tried_and_set(served: Served) -> None:
    rules = {"customer_id": {"required": True, "pattern": "[a-z]+"}}
    async with served.client() as client:
        key = await client.send(create_key({"n": "1"}))
        tried = await client.send(try_tag_policy(rules))
        assert (tried.checked, tried.breaking, [one.public_id for one in tried.items]) == (1, 1, [key.public_id])
        assert tried.items[0].breaches[0].field == "tags.customer_id"
        assert (await client.send(show_tag_policy())).version == 0
        made = await client.answer(set_tag_policy(rules, closed=True, reason="r").if_match(0))
        assert (made.version, made.value.closed, made.value.tags["customer_id"].required) == (1, True, True)
        assert await client.send(show_tag_policy()) == made.value
        with pytest.raises(Refused) as refused:
            await client.send(create_key({"customer_id": "A"}))
        assert refused.value.messages().keys() == {"tags.customer_id"}


async def test_a_script_does_the_same(served: Served) -> None:
    def script(client: Client) -> tuple[str, int | None]:
        key = client.send(create_key({"customer_id": "acme"}))
        with pytest.raises(VersionMismatch):
            client.send(revoke_key(key.public_id).if_match(7))
        again: Call[Any] = edit_key(key.public_id, description="x").idempotency_key("of-my-own")
        first, second = client.answer(again), client.answer(again)
        assert (first.replayed, second.replayed, first.value) == (False, True, second.value)
        return client.send(revoke_key(key.public_id)).status, second.version

    assert await served.as_a_script(script) == ("revoked", 2)
