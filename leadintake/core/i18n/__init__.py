"""Languages, and the firm's own texts."""
