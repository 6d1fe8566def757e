"""The stores: snapshots that outlive a reading, and are shared."""
