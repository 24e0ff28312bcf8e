"""The database: connections, transactions, locks, types, pagination, repeatable migrations."""
