"""Settings, from the file, the environment and arguments; and texts that are never shown."""
