"""The images that tests start where Docker answers and that compose.yaml must name, too."""

from __future__ import annotations

CLICKHOUSE = "clickhouse/clickhouse-server:25.8"
