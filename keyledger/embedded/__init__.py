"""The embedded default's services.

A real PostgreSQL as a child process and the data folder that everything lives in.
"""
