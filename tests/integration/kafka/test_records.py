"""What is on the topic, as a plain librdkafka consumer reads it."""

from __future__ import annotations

import asyncio
from typing import Any

from cloudevents.core.bindings.kafka import KafkaMessage, from_structured_event
from confluent_kafka import Consumer
from sqlalchemy import select

from registry.db.tables import admin_token, credential
from registry.keys.secrets import issue_token
from registry.log.event_log import Caller
from registry.publish.cloudevent import read_record
from registry.queries import Queries
from registry.service import KeyService, NewKey
from registry.tokens.service import NewToken, TokenService
from tests.support.kafka_world import Way
from tests.support.ledger.workload import fill

OPERATOR = Caller("operator", "Zoë", "request-1", "because")


def consume(bootstrap_servers: str, topic: str, count: int) -> list[Any]:
    """The first records of a topic, by a client that knows nothing of us."""
    consumer = Consumer(
        {"bootstrap.servers": bootstrap_servers, "group.id": f"{topic}.plain", "auto.offset.reset": "earliest"}
    )
    consumer.subscribe([topic])
    found: list[Any] = []
    try:
        while len(found) < count:
            messages = consumer.consume(count, timeout=30)
            assert messages, "nothing more came"
            assert not any(message.error() for message in messages)
            found += messages
    finally:
        consumer.close()
    return found


async def test_every_event_is_a_cloudevent_that_holds_all_that_its_hash_covers(way: Way) -> None:
    await fill(way.log, seed=21, count=40)
    await way.publish_all()
    events = {event.position: event for event in await way.log.read(0, 10_000)}
    messages = await asyncio.to_thread(consume, way.bootstrap_servers, way.topic, len(events))
    found = {}
    for message in messages:
        headers = dict(message.headers())
        parsed = from_structured_event(KafkaMessage(headers, message.key(), message.value()))
        assert headers == {"content-type": b"application/cloudevents+json"}
        linked = read_record(message.key(), message.value()).linked
        assert parsed.get_id() == str(linked.event.position)
        assert linked.fits
        found[linked.event.position] = linked.event
    assert found == events


async def test_no_secret_nor_the_hash_of_one_is_in_any_record(way: Way) -> None:
    keys, tokens = KeyService(way.log, Queries(way.engine).public_id), TokenService(way.log)
    created = [await keys.create(NewKey({"customer_id": f"c{number}"}), OPERATOR) for number in range(5)]
    token = issue_token()
    await tokens.create(NewToken("portal", ("keys:read",)), OPERATOR, token)
    await way.publish_all()
    messages = await asyncio.to_thread(consume, way.bootstrap_servers, way.topic, 6)
    written = b"".join(message.value() + (message.key() or b"") for message in messages)
    async with way.engine.connect() as connection:
        hashes = (
            await connection.execute(select(credential.c.secret_hash).union(select(admin_token.c.secret_hash)))
        ).all()
    assert len(hashes) == 6
    secrets = [one.api_key for one in created] + [token.text] + [row.secret_hash for row in hashes]
    for secret in secrets:
        for part in (secret, secret.rpartition("-")[2], bytes.fromhex(secret) if len(secret) == 64 else secret):
            assert (part if isinstance(part, bytes) else part.encode()) not in written
