"""Fields of histories, states and explanations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

AUDITS: Final[Mapping[str, tuple[str, Any]]] = {
    "backdated": ("whether it counts from an instant before it was known", False),
    "changes": ("the fields that it wrote", None),
    "FieldChange.field": ("which field", "tags.customer_id"),
    "FieldChange.from": ("what was known of the instant of effect just before; null: no value", "acme"),
    "FieldChange.to": ("what is known of it now; null: no value", "globex"),
    "FieldChange.until": (
        "from when the write does not count, as a later one had been written already; null: until further notice",
        "2026-04-01T00:00:00.000Z",
    ),
    "StatesPage.at": ("the instant that the keys are shown at", "2026-03-14T09:26:53.589Z"),
    "StatesPage.known_at": ("by what the log held up to this position", 42),
    "inference_id": ("the id of the inference", "01953a3e-0000-7000-8000-000000000001"),
    "Explanation.at": ("the instant in the inference's id; null: there is none", "2026-03-14T09:26:53.589Z"),
    "Explanation.position": ("the position by which it is explained", 42),
    "Explanation.reason": ("why it is in this bucket", "its key lived at the instant of the inference"),
    "disagreements": ("where ClickHouse is not as the log; empty where all is well", ["bucket: ClickHouse says keyed"]),
    "inference": ("the row of the inference that counts; null for an orphan", None),
    "key": ("the key as it was at the instant; null: not known, or no instant", None),
    "Explanation.public_id": ("the id of its key; null: none is known", "k3yPubl1cId0"),
    "Explanation.tags": ("the tags of the key at the instant, and where they came from", None),
    "models": ("the rows of its models", None),
    "model_rows": ("how many rows of models there are; more than are listed, where there are very many", 1),
    "arithmetic": ("the figures as sums of the rows of models; empty where not all rows are listed", None),
    "Explanation.usage": ("the figures on the bill", None),
    "function": ("the gateway's function", "chat"),
    "Inference.credential_id": ("the credential that the row names; null: none", "k3yPubl1cId0"),
    "claimed_tags": ("what the client said: shown, never billed", {"customer_id": "acme"}),
    "Inference.rows": ("all rows that came under the id", None),
    "InferenceRow.rows": ("how many rows say the same", 1),
    "table": ("the gateway's table", "ChatInference"),
    "wins": ("whether these rows are the ones that count", True),
    "WrittenTag.name": ("the tag's name", "customer_id"),
    "WrittenTag.value": ("its value at the instant; null: it was removed", "acme"),
    "event": ("the event that wrote it", None),
    "ModelRow.id": ("the id of the row", "01953a3e-0000-7000-8000-000000000002"),
    "model": ("the model", "gpt-5"),
    "provider": ("who serves the model", "openai"),
    "cached": ("whether the answer came from a cache", False),
    "ModelRow.cost_usd": ("what the gateway recorded as cost: a plain decimal string, exact; null: none", "0.000125"),
    "ModelRow.rows": ("how many rows came under the id", 1),
    "differ": ("whether they differ: the greatest counts", False),
    "figure": ("which figure of the bill", "input_tokens"),
    "terms": ("what it adds up, in the order of the rows; money as strings", [350, 120]),
    "sum": ("what they add up to; money as a string", 470),
}
