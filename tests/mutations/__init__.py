"""Safeguards taken away one at a time: each must be missed by at least one test."""
