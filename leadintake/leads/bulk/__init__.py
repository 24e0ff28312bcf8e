"""One act on many leads."""
