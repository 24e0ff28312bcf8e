"""Tags: words that people give to leads, for filters."""
