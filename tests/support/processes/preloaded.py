"""What every command imports at some time, imported once: see `forked`."""

import importlib

for name in (
    "keyledger.cli.failures",
    "keyledger.embedded.up",
    "keyledger.http.app",
    "keyledger.runtime.parts.project",
    "keyledger.runtime.parts.publish",
    "keyledger.runtime.parts.serve",
    "keyledger.runtime.parts.set_up",
    "keyledger.runtime.restore",
    "pyarrow",  # of the embedded engine, which itself does not survive a fork
):
    importlib.import_module(name)
