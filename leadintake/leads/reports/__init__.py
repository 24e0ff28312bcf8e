"""Report on leads, and simulation of another assignment policy."""
