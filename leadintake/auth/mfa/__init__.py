"""Second factors, and the roles that require them."""
