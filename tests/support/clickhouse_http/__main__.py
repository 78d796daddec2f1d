"""`python -m tests.support.clickhouse_http --data DIR [--port N] [--users JSON]`: prints `ready http://127.0.0.1:N`.

SIGTERM and SIGINT end it, as does the end of its standard input with `--with-parent`.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading

from tests.support.clickhouse_http.engine import Engine
from tests.support.clickhouse_http.handler import Server
from tests.support.clickhouse_http.users import DEFAULT, read


def main() -> None:
    """Serve until a signal comes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--users", type=read, default=DEFAULT)
    parser.add_argument("--with-parent", action="store_true")
    given = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    server = Server(given.port, Engine(given.data), given.users)
    if given.with_parent:
        threading.Thread(target=_leave_with_parent, daemon=True).start()
    sys.stdout.write(f"ready http://127.0.0.1:{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()


def _leave_with_parent() -> None:
    sys.stdin.buffer.read()
    _leave()


def _leave(*_arguments: object) -> None:
    # The engine's own way out of a process hangs now and then. What was acknowledged is in its files already.
    os._exit(0)


if __name__ == "__main__":
    main()
