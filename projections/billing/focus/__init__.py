"""A period in rows for FOCUS, and the rows that correct an earlier report."""
