"""The SQL statements of verifying, one per file, exactly as PostgreSQL receives them."""

from __future__ import annotations

from registry.sql_files import read_sql

KEY_OF_CREDENTIAL = read_sql(__name__, "key_of_credential")
