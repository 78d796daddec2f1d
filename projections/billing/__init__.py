"""The bill: the question, its SQL, the answer in figures, and the difference of two."""
