"""Loading a gateway's rows from files into the embedded engine."""

from keyledger.embedded.load.errors import LoadError, engine_words
from keyledger.embedded.load.load_file import check_table, load_file

__all__ = ["LoadError", "check_table", "engine_words", "load_file"]
