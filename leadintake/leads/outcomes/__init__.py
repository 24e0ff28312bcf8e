"""Outcomes: how leads ended."""
