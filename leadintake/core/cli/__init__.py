"""Output of commands, and their errors in one line."""
