"""The topics of events and of dead letters: created as specified if missing, checked if they exist."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    KafkaError,
    NodeNotReadyError,
    TopicAlreadyExistsError,
    TopicAuthorizationFailedError,
    for_code,
)

from registry.errors import RegistryError

logger = logging.getLogger(__name__)

_NOT_ALLOWED: Final = (ClusterAuthorizationFailedError, TopicAuthorizationFailedError)
HOUR_MS: Final = 3_600_000
# Dead letters wait indefinitely, until a person handles them.
_FOR_EVER_MS: Final = -1


class TopicUnfit(RegistryError):
    """The topic can't hold the events."""


@dataclass(frozen=True, slots=True)
class TopicPlan:
    """A topic to create. `replication` None is the broker's default; `retention_hours` None is forever."""

    name: str
    partitions: int
    replication: int | None
    retention_hours: int | None
    record_bytes_max: int = 1_048_588  # Kafka's own default

    @property
    def retention_ms(self) -> int:
        """The retention in milliseconds, as the broker expects it."""
        return _FOR_EVER_MS if self.retention_hours is None else self.retention_hours * HOUR_MS


async def ensure_topics(options: Mapping[str, Any], *plans: TopicPlan) -> None:
    """Create each missing topic; check that an existing one can't lose or reorder events.

    An existing topic may have any number of partitions. Without the right to create topics, the topic must exist.
    Raises TopicUnfit, KafkaError.
    """
    admin = AIOKafkaAdminClient(**options)
    try:
        await admin.start()
        logger.info("connected to %s", _address(options))
        for plan in plans:
            if not await _made(admin, plan):
                await _check(admin, plan)
    finally:
        await admin.close()


def _address(options: Mapping[str, Any]) -> str:
    """Where Kafka is and by which login; its version no broker tells."""
    user = options.get("sasl_plain_username")
    login = "" if user is None else f", user {user}"
    return f"Kafka at {options.get('bootstrap_servers')}, {options.get('security_protocol')}{login}"


async def _made(admin: AIOKafkaAdminClient, plan: TopicPlan) -> bool:
    topic = NewTopic(
        plan.name,
        plan.partitions,
        plan.replication or -1,
        replica_assignments={},
        topic_configs={
            "retention.ms": str(plan.retention_ms),
            "cleanup.policy": "delete",
            "max.message.bytes": str(plan.record_bytes_max),
        },
    )
    try:
        response = await admin.create_topics([topic])
    except AttributeError as none:
        # aiokafka takes the controller's id without looking whether there is one: there is none while brokers start.
        raise NodeNotReadyError from none
    _, code, *message = response.topic_errors[0]
    error: type[KafkaError] = for_code(code)
    if error is TopicAlreadyExistsError or error in _NOT_ALLOWED:
        return False
    if code:
        raise error(f"the topic {plan.name} can't be created: {message[0] if message else ''}")
    return True


async def _check(admin: AIOKafkaAdminClient, plan: TopicPlan) -> None:
    [response] = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, plan.name)])
    code, _, _, _, entries = response.resources[0]
    if for_code(code) in _NOT_ALLOWED:
        logger.warning("the settings of the topic %s can't be checked: no permission to read them", plan.name)
        return
    if code:
        raise for_code(code)(f"the settings of the topic {plan.name} can't be read")
    configs = {entry[0]: entry[1] for entry in entries}
    if "compact" in configs.get("cleanup.policy", ""):
        raise TopicUnfit(
            f"the topic {plan.name} is compacted, which removes all but the last event of a key: "
            "set its cleanup.policy to delete"
        )
    if int(configs.get("max.message.bytes", plan.record_bytes_max)) < plan.record_bytes_max:
        raise TopicUnfit(
            f"the topic {plan.name} takes records of {configs['max.message.bytes']} bytes at most: "
            f"raise its max.message.bytes to {plan.record_bytes_max}"
        )
    kept_ms = int(configs.get("retention.ms", _FOR_EVER_MS))
    if kept_ms >= 0 and (plan.retention_ms < 0 or kept_ms < plan.retention_ms):
        raise TopicUnfit(
            f"the topic {plan.name} keeps records for {kept_ms} ms, but needs {plan.retention_ms} ms "
            "(-1: forever): raise its retention.ms, or lower KEYLEDGER_KAFKA_RETENTION_HOURS"
        )
