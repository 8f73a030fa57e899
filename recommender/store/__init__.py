"""The database of the journal: SQLite or PostgreSQL with one schema."""
