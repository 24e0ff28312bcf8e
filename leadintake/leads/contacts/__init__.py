"""Contacts with prospects: calls, mails, meetings, and attempts."""
