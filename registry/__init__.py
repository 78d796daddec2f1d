"""WRITE SIDE: the event log, the decisions about keys, and the admin API. Imports no other package of the project."""
