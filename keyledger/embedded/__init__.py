"""The embedded default's services: a real PostgreSQL as a child process and the data folder that everything lives in."""
