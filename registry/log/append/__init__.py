"""How what is decided comes into the log: batches, their transactions, and what is written with them."""
