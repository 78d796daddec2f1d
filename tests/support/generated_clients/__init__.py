"""Clients that generators make of the OpenAPI document, and a program with each."""
