"""Languages: catalogues, and the firm's own texts."""
