"""The outcome for each recipient, and proof of it."""
