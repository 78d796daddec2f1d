"""Answers that are kept for a while, so that a request can be repeated without being done twice."""
