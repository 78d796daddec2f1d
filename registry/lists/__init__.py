"""How lists find keys: filters as SQL, and the columns that they look at."""
