"""Storages: where files are kept."""
