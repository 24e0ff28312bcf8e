"""Ethical walls: screens hide a lead from a user."""
