"""One statement or several, on the engine in process."""

from tests.support.contracts.statement_contract import *  # noqa: F403 - the suite
