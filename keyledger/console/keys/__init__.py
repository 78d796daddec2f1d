"""Keys: the list, one with its tags over time, new ones, and changes of many."""
