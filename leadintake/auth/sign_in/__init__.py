"""Sign-in with a password, and sign-out."""
