"""keyledger keys import-file: keys made and edited by the rows of a file."""
