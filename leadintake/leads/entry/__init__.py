"""Leads that staff enter, as after a call."""
