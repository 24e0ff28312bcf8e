"""Intake of submissions: form, spam signals, storage."""
