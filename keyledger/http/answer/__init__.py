"""What an answer is made of: JSON, lines, positions, and problems."""
