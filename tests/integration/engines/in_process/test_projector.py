"""The projector, on the engine in process."""

from tests.support.contracts.projector_contract import *  # noqa: F403 - the suite
