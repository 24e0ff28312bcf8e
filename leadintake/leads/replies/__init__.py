"""Replies to prospects, and their templates."""
