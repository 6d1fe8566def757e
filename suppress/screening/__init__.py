"""The outcome for each recipient, proof of it, and a page that shows it."""
