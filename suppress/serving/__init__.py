"""The choice of the snapshot that answers now."""
