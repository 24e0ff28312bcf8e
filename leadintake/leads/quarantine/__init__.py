"""Quarantine of suspected spam."""
