"""The parts: what runs in production as processes of their own, any number of each. `up` is all of them in one."""

from __future__ import annotations

from typing import Literal

Part = Literal["serve", "projector", "relay", "sync", "collector", "sender"]
