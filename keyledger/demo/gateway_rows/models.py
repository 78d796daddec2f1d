"""Models that made-up inferences use, with what the gateway would record as their cost."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final


@dataclass(frozen=True, slots=True)
class Model:
    """A model as a provider serves it. Prices are dollars a token; None: the gateway knows no price."""

    name: str
    provider: str
    input_price: Decimal | None
    output_price: Decimal | None

    def cost(self, input_tokens: int, output_tokens: int) -> Decimal | None:
        """What the gateway records for an answer of that size, exactly."""
        if self.input_price is None or self.output_price is None:
            return None
        return self.input_price * input_tokens + self.output_price * output_tokens


SMALL: Final = Model("gpt-5-mini", "openai", Decimal("0.000000250"), Decimal("0.000002000"))
LARGE: Final = Model("claude-sonnet-4-5", "anthropic", Decimal("0.000003000"), Decimal("0.000015000"))
FLASH: Final = Model("gemini-2.5-flash", "google_ai_studio_gemini", Decimal("0.000000300"), Decimal("0.000002500"))
SELF_HOSTED: Final = Model("qwen3-32b", "vllm", None, None)
PRICED: Final = (SMALL, LARGE, FLASH)
