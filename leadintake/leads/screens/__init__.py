"""Ethical walls: screens that hide a lead from a user."""
