"""What the texts of a key may be."""
