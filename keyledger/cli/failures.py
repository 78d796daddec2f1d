"""The failures that are not bugs: shown in one line, without a trace."""

from __future__ import annotations

import httpx

from audit.errors import AuditError
from keyledger.embedded.errors import EmbeddedError
from keyledger.settings import SettingsError
from projections.errors import ProjectionError
from registry.errors import RegistryError


def expected() -> tuple[type[Exception], ...]:
    """Their types."""
    return (AuditError, EmbeddedError, SettingsError, RegistryError, ProjectionError, httpx.HTTPError, OSError)
