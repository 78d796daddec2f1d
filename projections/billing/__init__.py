"""The bill: the question, its SQL, the answer, and the difference of two."""
