"""Loading a gateway's rows from files into the embedded engine, and taking them back."""

from keyledger.embedded.load.batches import Batches, Engine, Load, check_batch, check_embedded, new_batch
from keyledger.embedded.load.errors import LoadError, engine_words
from keyledger.embedded.load.load_file import Found, load_file
from keyledger.embedded.load.tables import check_table
from keyledger.embedded.load.unload import settle, unload

__all__ = [
    "Batches", "Engine", "Found", "Load", "LoadError", "check_batch", "check_embedded", "check_table", "engine_words",
    "load_file", "new_batch", "settle", "unload",
]  # fmt: skip
