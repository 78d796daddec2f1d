"""Fetches what tests run on, before they are run: Apache Kafka's jars and the oldest engine. Both stay in .venv.

What can't be had is said and left: the tests that need it skip, or fail where CI=true.
"""

from __future__ import annotations

import os
import sys

from tests.support.servers.broker import VARIABLE
from tests.support.servers.docker import docker_answers
from tests.support.servers.engine_25_8 import NoEngine, python_25_8
from tests.support.servers.kafka_jars import BrokerFailed, NoBroker, class_archive


def main() -> None:
    """Fetch them; says nothing where all is there."""
    fetched = [python_25_8]
    if not os.environ.get(VARIABLE) and not docker_answers():
        fetched.append(lambda: str(class_archive()))
    for fetch in fetched:
        try:
            fetch()
        except (BrokerFailed, NoBroker, NoEngine) as error:
            sys.stderr.write(f"{error}\n")


if __name__ == "__main__":
    main()
