"""Next steps of leads, and the mails that remind of them."""
