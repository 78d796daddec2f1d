"""GATEWAYS: everything specific to one gateway, one folder per gateway. May import the read side and the write side."""
