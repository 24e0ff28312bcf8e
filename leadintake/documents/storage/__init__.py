"""Storages of uploaded files."""
