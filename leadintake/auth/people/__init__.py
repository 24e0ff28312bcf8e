"""Users: accounts, invitations and mailed links."""
