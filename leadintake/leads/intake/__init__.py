"""Intake: the form, its spam signals, and the transaction that stores a submission."""
