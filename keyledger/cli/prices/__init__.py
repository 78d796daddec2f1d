"""keyledger prices: the price book."""
