"""Who was opted out here, and telling the sources of it."""
