"""COMPOSITION ROOT: settings, embedded services, servers, command line; the only package that sees all others."""
