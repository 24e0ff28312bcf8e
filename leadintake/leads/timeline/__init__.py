"""All that happened about a lead, in one list."""
