"""The usage journal: what the gateway recorded, copied once and kept as accountants keep books."""
