"""Opt-outs made here: their history, the people in it, and telling the sources."""
