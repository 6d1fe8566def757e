"""Phone numbers: the readings that a number may have."""
