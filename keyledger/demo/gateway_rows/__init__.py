"""Made-up gateway rows in the gateway's exact shapes, for the demo, the tests and the docs.

`GatewayRows` writes one inference or model row at a time; `generate` fills one from a seed with everything that a
gateway's tables hold in practice.
"""

from keyledger.demo.gateway_rows.generate import generate
from keyledger.demo.gateway_rows.kinds import KeyUse
from keyledger.demo.gateway_rows.models import FLASH, LARGE, SELF_HOSTED, SMALL, Model
from keyledger.demo.gateway_rows.rows import KEY_TAG, GatewayRows, Row, uuid7

__all__ = [
    "FLASH", "KEY_TAG", "LARGE", "SELF_HOSTED", "SMALL", "GatewayRows", "KeyUse", "Model", "Row", "generate", "uuid7",
]  # fmt: skip
