"""The gateway's tables that usage is in."""

from typing import Final

TABLES: Final = ("ChatInference", "JsonInference", "ModelInference", "BatchIdByInferenceId")
