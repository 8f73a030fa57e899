"""Where the journal's rows are kept: SQLite or PostgreSQL, one schema, one way to write."""
