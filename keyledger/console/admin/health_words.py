"""What the status speaks of, in words for people: what each part does, and what each alarm means. Pure.

What to do about an alarm, the alarm itself says; docs/operate.md has the whole table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from projections.ledger.alarms import AlarmKind

PARTS: Final[Mapping[str, str]] = {
    "serve": "answers the API and this console",
    "projector": "brings the log into ClickHouse, for bills",
    "collector": "brings the gateway's rows into the usage journal",
    "sync": "writes keys into the gateway's own table",
    "relay": "publishes the log to Kafka",
    "sender": "sends events to webhooks",
}
STATES: Final[Mapping[str, tuple[str, str]]] = {
    "running": ("ok", "running"),
    "leading": ("ok", "leading"),
    "standing_by": ("expired", "standing by"),
    "missing": ("failed", "missing"),
}
FOLLOWERS: Final[Mapping[str, str]] = {"clickhouse": "ClickHouse", "gateway": "the gateway's table of keys"}
ALARMS: Final[Mapping[AlarmKind, str]] = {
    "dead_letter": "A record of the topic is no event of the log, or the ledger's tables change places.",
    "feed_stopped": "So many dead letters are open that nothing more of the topic is taken.",
    "hole": "A position of the log has not arrived, and later ones wait for it.",
    "two_claims": "ClickHouse holds two events for one position: somebody else wrote there.",
    "broken_chain": "ClickHouse holds an event that does not chain to the one before it: somebody else wrote there.",
    "log_changed": "What is applied is not from this log: it was restored, failed over, or is another one.",
    "projector_stopped": "ClickHouse refuses, or an event can't be applied: bills stay at their position.",
    "publisher_stopped": "The broker or the log can't be reached, or what was published is of another log.",
    "gateway_stopped": "Changes of keys do not reach the gateway: old and new keys there are as before.",
    "rows_missing": "Rows that were written are not in ClickHouse any more.",
    "clock": "The clocks disagree by too much to date an event: only what stops a key is recorded.",
    "changes_refused": "The disk of the data folder is nearly full: only what stops a key is recorded.",
    "clickhouse_down": "No bill is made, and what the status reads there is left out. Keys are made and revoked.",
    "write_path": "No change is recorded, though the log's database answers.",
    "part_missing": "A part that must run has given no sign of life.",
    "lag": "A follower of the log, or the usage journal, is behind for longer than the settings allow.",
    "rows_lost": "The gateway counted more inferences than have rows: they failed, or their rows were lost.",
    "gateway_metrics": "The gateway's metrics can't be read, so lost rows are not noticed.",
    "collector_stopped": "The gateway's rows do not reach the usage journal: bills lack them, and say how many.",
    "webhook_waits": "A receiver has not taken an event for too long.",
    "webhook_dead": "A delivery was given up in the last day.",
}
