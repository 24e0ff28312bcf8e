"""The attorneys' desk."""
