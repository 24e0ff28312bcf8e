"""Settings: declared, read once at start, and validated."""
