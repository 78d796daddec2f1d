"""Settings: read once from the environment, all faults told together, secrets never shown."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "KEYLEDGER_"
# Read by the tests alone.
_FOREIGN_PREFIX = "KEYLEDGER_TEST_"
_HIDDEN = "(hidden)"


class SettingsError(Exception):
    """Settings are wrong: each fault on a line of its own, by the variable's name, without its value."""


def _postgres(url: str) -> str:
    """The URL with the driver that we use. Raises ValueError without quoting it: it may hold a password."""
    from sqlalchemy.engine import make_url  # noqa: PLC0415 - commands that need no database start without it
    from sqlalchemy.exc import ArgumentError  # noqa: PLC0415 - as above

    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ValueError("must be a URL, as postgresql://user:password@host:5432/database") from None
    if parsed.drivername not in {"postgresql", "postgres", "postgresql+asyncpg"} or not parsed.database:
        raise ValueError("must be a URL, as postgresql://user:password@host:5432/database")
    return parsed.set(drivername="postgresql+asyncpg").render_as_string(hide_password=False)


def _clickhouse(url: str) -> str:
    if not url.startswith(("http://", "https://", "chdb:///")):
        raise ValueError("must be http(s)://user:password@host:8123, or chdb:///path for the embedded engine")
    return url


PostgresUrl = Annotated[str, AfterValidator(_postgres)]
ClickHouseUrl = Annotated[str, AfterValidator(_clickhouse)]
Identifier = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")]


class Settings(BaseSettings):
    """Every setting, as `KEYLEDGER_<NAME>`. Made by `Settings.read`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid", env_ignore_empty=True)

    database_url: PostgresUrl | None = Field(
        None, repr=False, description="PostgreSQL of the log, as the application's role."
    )
    migration_database_url: PostgresUrl | None = Field(
        None,
        repr=False,
        description="The same database as its owner, for `keyledger migrate`; the former when not set.",
    )
    clickhouse_url: ClickHouseUrl | None = Field(
        None, repr=False, description="ClickHouse: http(s)://user:password@host:port, or chdb:///path."
    )
    clickhouse_database: Identifier = Field("keyledger", description="Keyledger's database in ClickHouse.")
    gateway_clickhouse_database: Identifier = Field("tensorzero", description="The gateway's database in ClickHouse.")
    data: Path | None = Field(
        None, description="The data folder of the embedded default: ./keyledger-data when not set."
    )
    clock_skew_ms: int = Field(0, ge=0, le=5000, description="How far in the future an effective_at may lie.")
    clock_step_back_ms: int = Field(
        5000, ge=0, le=3_600_000, description="Refuse appends while the database's clock is further behind the log."
    )
    append_batch: int = Field(256, ge=1, le=10_000, description="Writes in one transaction, at most.")
    append_queue: int = Field(10_000, ge=1, le=1_000_000, description="Writes that wait; more are answered with 503.")
    lock_timeout_s: float = Field(5.0, gt=0, le=600, description="Longest wait for the lock of the log.")
    statement_timeout_s: float = Field(30.0, gt=0, le=3600, description="Longest statement of an append.")
    bill_lines_max: int = Field(100_000, ge=1, le=10_000_000, description="Lines of a bill, at most.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="What is logged, to stderr.")

    @classmethod
    def read(cls) -> Self:
        """The settings of the environment. Raises SettingsError, which names every wrong or unknown variable."""
        known = {f"{PREFIX}{name.upper()}" for name in cls.model_fields}
        given = {name for name in os.environ if name.startswith(PREFIX) and not name.startswith(_FOREIGN_PREFIX)}
        faults = [f"{name} is not known: look for a misspelling" for name in sorted(given - known)]
        try:
            settings = cls()
        except ValidationError as error:
            faults += [f"{PREFIX}{str(one['loc'][0]).upper()}: {_words(one['msg'])}" for one in error.errors()]
        if faults:
            raise SettingsError("\n".join(["settings are wrong:", *faults]))
        return settings

    def require(self, *names: str) -> tuple[str, ...]:
        """The values of settings that a command can't do without. Raises SettingsError, naming all that are missing."""
        missing = [f"{PREFIX}{name.upper()}" for name in names if getattr(self, name) is None]
        if missing:
            raise SettingsError(f"set {' and '.join(missing)}: `keyledger settings` says what each means")
        return tuple(getattr(self, name) for name in names)

    def describe(self) -> list[dict[str, str]]:
        """Every setting: `name`, `value`, `default`, `meaning`; of a URL that is set, only that it is."""
        rows = []
        for name, field in type(self).model_fields.items():
            value = getattr(self, name)
            secret = name.endswith("_url") and value is not None
            default = "" if field.default is None else str(field.default)
            rows.append(
                {
                    "name": f"{PREFIX}{name.upper()}",
                    "value": _HIDDEN if secret else "" if value is None else str(value),
                    "default": default,
                    "meaning": field.description or "",
                }
            )
        return rows


def _words(message: str) -> str:
    return message.removeprefix("Value error, ")
