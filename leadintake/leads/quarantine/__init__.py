"""Quarantine of suspected spam: list, release, discard."""
