"""Proof sheet of a lead: what is on record about it, on one page, and how to verify that."""
