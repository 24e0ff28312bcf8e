"""API tokens of programs."""
