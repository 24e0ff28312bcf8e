"""Every setting, read once at start and judged before anything runs."""
