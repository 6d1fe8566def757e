"""Which snapshot answers now."""
