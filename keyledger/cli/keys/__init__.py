"""keyledger keys: the admin calls on keys, by the operator of the machine."""
