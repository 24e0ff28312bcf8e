"""Report on leads, and simulation of an assignment policy."""
