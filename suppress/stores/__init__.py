"""Where snapshots stay between processes."""
