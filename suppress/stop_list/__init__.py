"""Values: one read of a stop list, the set of its numbers, and where each comes from."""
