"""What a process says in its log: the set-up, the lines, why something failed, and what it connected to."""
