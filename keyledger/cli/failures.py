"""How a command that failed ends: in words on stderr and an exit code, never in a traceback."""

from __future__ import annotations

import os
import traceback

import httpx

from audit.errors import AuditError
from keyledger.cli.printing.output import complain
from keyledger.client import ClientError, Unreachable
from keyledger.embedded.errors import EmbeddedError
from keyledger.settings import SettingsError
from projections.errors import ProjectionError
from registry.errors import RegistryError
from registry.follower import words

_OURS = (AuditError, ClientError, EmbeddedError, SettingsError, RegistryError, ProjectionError)


def report(error: Exception) -> None:
    """Say what failed. Of what nobody foresaw only the kind and the place: its text could quote a secret."""
    match error:
        case UnicodeEncodeError() if error.encoding == "utf-8":
            complain("an argument is not UTF-8")
        case UnicodeEncodeError():
            complain(f"this terminal takes {error.encoding}, which lacks a character: set LC_ALL=C.UTF-8")
        case OSError() if error.filename is not None and error.strerror:
            complain(f"{os.fsdecode(error.filename)}: {error.strerror}")
        case Unreachable() if isinstance(error.__cause__, httpx.HTTPError):
            report(error.__cause__)
        case httpx.HTTPError():
            complain(f"the registry's process does not answer ({error or type(error).__name__}): does it still run?")
        case OSError():
            complain(str(error) or type(error).__name__)
        case _ if isinstance(error, _OURS):
            complain(str(error))
        case _:
            _unforeseen(error)


def _unforeseen(error: Exception) -> None:
    # As the settings have it: they may be what is wrong.
    if os.environ.get("KEYLEDGER_LOG_LEVEL") == "DEBUG":
        complain("where it failed:\n" + "".join(traceback.format_tb(error.__traceback__)).rstrip())
    complain(
        f"failed in a way that nobody foresaw ({words(error)}): please report it with what you ran; "
        "KEYLEDGER_LOG_LEVEL=DEBUG shows more"
    )
