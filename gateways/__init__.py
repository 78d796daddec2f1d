"""GATEWAYS: what is particular to one of them, a folder each. Sees the read side and the write side."""
