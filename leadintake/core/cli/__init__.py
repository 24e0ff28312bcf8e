"""Commands: their output and their errors."""
