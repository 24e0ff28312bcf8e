"""Sessions in the database, their cookies, and known devices."""
