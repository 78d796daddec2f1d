"""The statement of a bill: its SQL, what a question binds in it, and the rows that it answers."""
