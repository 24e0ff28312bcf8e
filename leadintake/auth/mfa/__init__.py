"""Second factors: authenticator apps, recovery codes, and the roles that require them."""
