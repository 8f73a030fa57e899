"""Alembic migrations, which are read by path."""
