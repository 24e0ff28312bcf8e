"""Delivery channels: how a message leaves."""
