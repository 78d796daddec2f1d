"""The sender of webhooks on a real log and a real receiver: signed, in order for each stream, at least once."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from keyledger.runtime.registry import Registry, registry_on
from keyledger.runtime.status import status_of
from keyledger.runtime.webhooks.http_receiver import HttpReceiver
from keyledger.settings import Settings
from registry.background import running
from registry.errors import Conflict, FieldsRefused, UnknownDelivery, UnknownWebhook
from registry.log.event_log import Caller
from registry.log.postgres import PostgresEventLog
from registry.webhooks.schedule import Schedule
from registry.webhooks.sender import Bounds, Sender
from registry.webhooks.signing import message_id
from registry.webhooks.webhook import MAX_SECRETS, Delivery, NewSecret
from tests.support.contracts.writes import new_key, note, read_all
from tests.support.servers.databases import Database
from tests.support.waiting import eventually
from tests.support.webhook_receiver import Receiver, receiving

CALLER = Caller("operator")
QUICK = Schedule(first_pause_s=0.02)
BOUNDS = Bounds(poll_s=0.05)
ALLOWED = Settings(webhook_allow_private=True, webhook_timeout_s=5)


@pytest.fixture
async def registry(postgres_log: PostgresEventLog, engine: AsyncEngine) -> AsyncIterator[Registry]:
    """A registry that may send to loopback."""
    receiver = HttpReceiver(allow_private=True, timeout_s=5)
    yield registry_on(postgres_log, engine, ALLOWED, receiver=receiver)
    await receiver.close()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A receiver that takes everything."""
    async with receiving() as made:
        yield made


def sender_of(registry: Registry, schedule: Schedule = QUICK, bounds: Bounds = BOUNDS) -> Sender:
    """A sender that repeats soon."""
    return Sender(registry.log, registry.engine, registry.webhooks.receiver, schedule, bounds)


@asynccontextmanager
async def sending(registry: Registry, schedule: Schedule = QUICK, bounds: Bounds = BOUNDS) -> AsyncIterator[Sender]:
    """A sender at work."""
    sender = sender_of(registry, schedule, bounds)
    async with running(sender.run()):
        yield sender
        assert sender.failure is None


async def notes(registry: Registry, *streams: str) -> None:
    """An event of each of these streams, one after the other."""
    for stream in streams:
        await registry.log.write(note(f"thing-{stream}"))


async def deliveries(registry: Registry, made: NewSecret, *statuses: str) -> dict[int, Delivery]:
    """By position."""
    page = await registry.webhooks.deliveries(made.webhook.webhook_id, None, statuses, 1000)
    return {one.position: one for one in page.items}


async def settled(registry: Registry, made: NewSecret) -> dict[int, Delivery]:
    """All deliveries, when none is pending and the webhook has taken the whole log."""
    head = (await registry.log.head()).position

    async def pending() -> bool:
        webhook = await registry.webhooks.find(made.webhook.webhook_id)
        return webhook.pending > 0 or webhook.position < head

    assert await eventually(pending, lambda waits: not waits, timeout_s=30) is False
    return await deliveries(registry, made)


async def test_each_event_after_the_creation_comes_signed_and_as_the_feed_shows_it(
    registry: Registry, receiver: Receiver
) -> None:
    await notes(registry, "a", "b")
    made = await registry.webhooks.create(receiver.url, None, CALLER)
    await notes(registry, "a", "c")
    async with sending(registry):
        await receiver.until(lambda one: len(one.taken) == 2)
        await notes(registry, "b")
        await receiver.until(lambda one: len(one.taken) == 3)
        found = await settled(registry, made)
    assert sorted(got.position for got in receiver.taken) == [3, 4, 5], "from its creation on"
    recorded = {one.position: one for one in await read_all(registry.log)}
    for got in receiver.taken:
        got.verify(made.secret)
        assert got.path == "/hook"
        assert got.headers["content-type"] == "application/cloudevents+json"
        assert got.headers["webhook-id"] == message_id(made.webhook.webhook_id, got.position)
        assert got.event["data"]["hash"] == recorded[got.position].hash.hex()
    assert {one.status for one in found.values()} == {"delivered"}
    assert {(one.attempts, one.last_status, one.last_error) for one in found.values()} == {(1, 200, None)}


async def test_types_that_are_not_asked_for_are_not_sent(registry: Registry, receiver: Receiver) -> None:
    made = await registry.webhooks.create(receiver.url, ["KeyCreated"], CALLER)
    await notes(registry, "a")
    await registry.log.write(new_key("k" * 12))
    await notes(registry, "a")
    async with sending(registry):
        found = await settled(registry, made)
    assert list(found) == [2]
    assert [got.event["type"].split(".")[1] for got in receiver.taken] == ["KeyCreated"]


async def test_a_stream_waits_for_its_earlier_event_and_others_go_on(registry: Registry, receiver: Receiver) -> None:
    made = await registry.webhooks.create(receiver.url, None, CALLER)
    await notes(registry, *"aababc")  # 1, 2 and 4 are of a
    fails = True
    receiver.answers = lambda got: 500 if fails and got.position == 1 else 200
    async with sending(registry):
        await receiver.until(lambda one: {got.position for got in one.taken} == {3, 5, 6})
        # That they arrived, the sender writes down a moment later.
        waiting = await eventually(
            lambda: deliveries(registry, made, "pending"),
            lambda one: len(one) == 3 and one[1].last_error is not None,
            timeout_s=10,
        )
        assert list(waiting) == [4, 2, 1]
        assert [one.next_attempt_at is None for one in waiting.values()] == [True, True, False]
        assert (waiting[1].last_error, waiting[1].last_status) == ("it answered 500", 500)
        assert {got.position for got in receiver.requests if got not in receiver.taken} == {1}
        with pytest.raises(Conflict):
            await registry.webhooks.replay(made.webhook.webhook_id, 2)
        fails = False
        await settled(registry, made)
    assert receiver.by_stream() == {"thing-a": [1, 2, 4], "thing-b": [3, 5], "thing-c": [6]}


async def test_who_fails_for_a_while_then_gets_everything_in_order(registry: Registry, receiver: Receiver) -> None:
    made = await registry.webhooks.create(receiver.url, None, CALLER)
    await notes(registry, *"abcabcabcabc")
    failures = iter([500, 503, 302, 404, 429, 410] * 2)
    receiver.answers = lambda _got: next(failures, 200)
    async with sending(registry):
        found = await settled(registry, made)
        status = await status_of(registry)
    assert {one.status for one in found.values()} == {"delivered"}
    for positions in receiver.by_stream().values():
        assert positions == sorted(positions)
    assert sorted(got.position for got in receiver.taken) == list(range(1, 13)), "each once: nothing broke in between"
    attempts = status.webhook_attempts
    assert attempts is not None
    assert (attempts.delivered, attempts.failed, attempts.died) == (12, 12, 0)
    (shown,) = status.webhooks
    assert (shown.taken, shown.lag_positions, shown.pending, shown.dead, shown.failure) == (12, 0, 0, 0, None)


async def test_a_dead_delivery_is_seen_its_stream_goes_on_and_it_can_be_replayed(
    registry: Registry, receiver: Receiver
) -> None:
    made = await registry.webhooks.create(receiver.url, None, CALLER)
    await notes(registry, *"aab")
    fails = True
    receiver.answers = lambda got: 500 if fails and got.position == 1 else 200
    async with sending(registry, Schedule(first_pause_s=0.02, give_up_s=1)):
        await receiver.until(lambda one: {got.position for got in one.taken} == {2, 3})
        await settled(registry, made)
        (dead,) = (await deliveries(registry, made, "dead")).values()
        assert (dead.position, dead.last_error, dead.next_attempt_at) == (1, "it answered 500", None)
        assert dead.attempts > 1
        assert dead.ended_at is not None
        status = await status_of(registry)
        assert [(one.kind, one.part) for one in status.alarms] == [("webhook_dead", None)]
        assert status.webhooks[0].dead == 1
        fails = False
        replayed = await registry.webhooks.replay(made.webhook.webhook_id, 1)
        assert (replayed.status, replayed.attempts, replayed.ended_at) == ("pending", 0, None)
        await receiver.until(lambda one: 1 in {got.position for got in one.taken})
        found = await settled(registry, made)
        assert (await status_of(registry)).alarms == ()
    assert {one.status for one in found.values()} == {"delivered"}
    assert len({got.headers["webhook-id"] for got in receiver.requests if got.position == 1}) == 1


async def test_a_replay_goes_before_later_events_that_wait(registry: Registry, receiver: Receiver) -> None:
    made = await registry.webhooks.create(receiver.url, None, CALLER)
    await notes(registry, "a")
    async with sending(registry):
        await settled(registry, made)
        receiver.answers = lambda _got: 500
        await notes(registry, "a", "a")
        await receiver.until(lambda one: one.requests[-1].position == 2)
        await registry.webhooks.replay(made.webhook.webhook_id, 1)
        await receiver.until(lambda one: one.requests[-1].position == 1)
        receiver.requests.clear()
        await receiver.until(lambda one: len(one.requests) >= 3)
        assert {got.position for got in receiver.requests} == {1}, "2 waits for it"
        receiver.taken.clear()
        receiver.answers = lambda _got: 200
        await settled(registry, made)
    assert [got.position for got in receiver.taken] == [1, 2, 3]
    with pytest.raises(UnknownDelivery):
        await registry.webhooks.replay(made.webhook.webhook_id, 4)


async def test_both_secrets_sign_until_the_older_one_ends(registry: Registry, receiver: Receiver) -> None:
    made = await registry.webhooks.create(receiver.url, None, CALLER)
    async with sending(registry):
        rotated = await registry.webhooks.rotate(made.webhook.webhook_id, timedelta(hours=1), CALLER)
        assert rotated.secret != made.secret
        await notes(registry, "a")
        await receiver.until(lambda one: len(one.taken) == 1)
        for secret in (made.secret, rotated.secret):
            receiver.taken[0].verify(secret)
        last = await registry.webhooks.rotate(made.webhook.webhook_id, timedelta(0), CALLER)
        await notes(registry, "a")
        await receiver.until(lambda one: len(one.taken) == 2)
    receiver.taken[1].verify(last.secret)
    assert receiver.taken[1].headers["webhook-signature"].count("v1,") == 1
    for _ in range(MAX_SECRETS - 1):
        await registry.webhooks.rotate(made.webhook.webhook_id, timedelta(hours=1), CALLER)
    with pytest.raises(Conflict):
        await registry.webhooks.rotate(made.webhook.webhook_id, timedelta(hours=1), CALLER)


async def test_one_sends_and_another_takes_over(registry: Registry, receiver: Receiver) -> None:
    made = await registry.webhooks.create(receiver.url, None, CALLER)
    first = sender_of(registry)
    active = asyncio.create_task(first.run())
    assert await eventually(_held(first), bool, timeout_s=10)
    async with sending(registry) as second:
        await notes(registry, *"abc")
        await settled(registry, made)
        assert (first.leads, second.leads) == (True, False)
        active.cancel()
        assert await eventually(_held(second), bool, timeout_s=10)
        await notes(registry, *"abc")
        await settled(registry, made)
    assert sorted({got.position for got in receiver.taken}) == list(range(1, 7))


async def test_who_dies_while_a_receiver_answers_sends_again_under_the_same_id(
    registry: Registry, receiver: Receiver
) -> None:
    made = await registry.webhooks.create(receiver.url, None, CALLER)
    await notes(registry, "a", "a")
    receiver.hold.clear()
    async with sending(registry):
        await eventually(lambda: _now(receiver.running), bool, timeout_s=10)
    receiver.hold.set()
    async with sending(registry):
        await settled(registry, made)
    assert [got.position for got in receiver.requests] == [1, 1, 2]
    assert len({got.headers["webhook-id"] for got in receiver.requests}) == 2


async def test_a_slow_receiver_holds_up_no_other_webhook_and_gets_few_at_once(
    registry: Registry, receiver: Receiver
) -> None:
    slow = await registry.webhooks.create(receiver.url, None, CALLER)
    receiver.hold.clear()
    async with receiving() as quick:
        made = await registry.webhooks.create(quick.url, None, CALLER)
        streams = [chr(97 + number) for number in range(20)]
        async with sending(registry, bounds=Bounds(at_once=64, of_each=4, poll_s=0.05)):
            await notes(registry, *streams)
            await settled(registry, made)
            assert len(quick.taken) == 20
            assert receiver.most == 4
            receiver.hold.set()
            await settled(registry, slow)


async def test_a_deleted_webhook_gets_nothing_more_and_its_rows_go(
    registry: Registry, receiver: Receiver, database: Database
) -> None:
    made = await registry.webhooks.create(receiver.url, None, CALLER)
    await notes(registry, "a")
    deleted = await registry.webhooks.delete(made.webhook.webhook_id, CALLER)
    assert deleted.deleted_at is not None
    assert await registry.webhooks.delete(made.webhook.webhook_id, CALLER) == deleted
    async with receiving() as other, sending(registry):
        another = await registry.webhooks.create(other.url, None, CALLER)
        await notes(registry, "a")
        await settled(registry, another)
    assert receiver.requests == []
    async with database.connect() as owner:
        assert await owner.fetchval("SELECT count(*) FROM keyledger.webhook_secret") == 1
    assert await registry.webhooks.secrets(made.webhook.webhook_id) == []
    with pytest.raises(UnknownWebhook):
        await registry.webhooks.find(made.webhook.webhook_id)


async def test_what_ended_long_ago_is_swept(registry: Registry, receiver: Receiver, database: Database) -> None:
    made = await registry.webhooks.create(receiver.url, None, CALLER)
    gone = await registry.webhooks.create(receiver.url, None, CALLER)
    await notes(registry, "a", "b")
    async with sending(registry):
        await settled(registry, made)
        await settled(registry, gone)
    await registry.webhooks.delete(gone.webhook.webhook_id, CALLER)
    async with database.connect() as owner:
        await owner.execute(
            "UPDATE keyledger.webhook_delivery SET ended_at = now() - interval '31 days' WHERE position = 1"
        )
    async with sending(registry):
        await eventually(lambda: _count(database), lambda count: count == 1, timeout_s=10)
    assert list(await deliveries(registry, made)) == [2]


async def test_a_name_that_leads_elsewhere_at_the_delivery_is_refused_there(
    registry: Registry, receiver: Receiver, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: public when the webhook is made, loopback when it is connected to."""
    port = int(receiver.url.split(":")[2].split("/")[0])
    addresses = ["93.184.216.34"]

    def resolve(host: str, asked_port: int, **_options: Any) -> list[Any]:
        assert host == "portal.example"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, asked_port)) for one in addresses]

    monkeypatch.setattr("keyledger.runtime.webhooks.resolving.socket.getaddrinfo", resolve)
    strict = HttpReceiver(allow_private=False, timeout_s=5)
    registry = registry_on(registry.log, engine, Settings(), receiver=strict)
    made = await registry.webhooks.create(f"http://portal.example:{port}/hook", None, CALLER)
    for one in (["127.0.0.1"], ["93.184.216.34", "127.0.0.1"], ["::ffff:127.0.0.1"], ["169.254.169.254"]):
        addresses[:] = one
        with pytest.raises(FieldsRefused, match="not public"):
            await registry.webhooks.create(f"http://portal.example:{port}/hook", None, CALLER)
        await notes(registry, "a")
        async with sending(registry):
            failed = await eventually(_failed(registry, made), bool, timeout_s=10)
            assert "not public" in str(failed)
        await registry.log.write(note("thing-more"))
    assert receiver.requests == []
    await strict.close()


async def test_an_answer_may_ask_for_a_longer_pause(registry: Registry, receiver: Receiver) -> None:
    made = await registry.webhooks.create(receiver.url, None, CALLER)
    receiver.headers.append((b"retry-after", b"600"))
    receiver.answers = lambda _got: 503
    await notes(registry, "a")
    async with sending(registry):
        await eventually(_failed(registry, made), bool, timeout_s=10)
    (one,) = (await deliveries(registry, made)).values()
    assert one.next_attempt_at is not None
    assert one.last_attempt_at is not None
    assert one.next_attempt_at - one.last_attempt_at > timedelta(seconds=590)


def _held(sender: Sender) -> Callable[[], Awaitable[bool]]:
    return lambda: _now(sender.leads)


async def _now(value: Any) -> Any:
    return value


def _failed(registry: Registry, made: NewSecret) -> Callable[[], Awaitable[str | None]]:
    async def failed() -> str | None:
        found = await deliveries(registry, made, "pending")
        return next((one.last_error for one in found.values() if one.last_error), None)

    return failed


async def _count(database: Database) -> int:
    async with database.connect() as owner:
        count: int = await owner.fetchval("SELECT count(*) FROM keyledger.webhook_delivery")
    return count
