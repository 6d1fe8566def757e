"""Files of numbers, read row by row."""
