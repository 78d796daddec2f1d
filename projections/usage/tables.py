"""The gateway's tables that usage is in, and those of the usage journal that is made of them."""

from typing import Final

TABLES: Final = ("ChatInference", "JsonInference", "ModelInference", "BatchIdByInferenceId")
JOURNAL_TABLES: Final = (
    "usage_journal_v1",
    "usage_row_v1",
    "usage_taken_v1",
    "usage_gone_v1",
    "usage_shared_id_v1",
    "usage_attempt_v1",
    "usage_recount_v1",
    "usage_entry_v1",
    "usage_batch_v1",
)
# Of a table, after its UUID in usage_taken_v1: what was taken of blocks that it has no longer.
PAST: Final = " past"
