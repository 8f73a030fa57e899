"""Every change the schema went through; Alembic reads `versions` by path."""
