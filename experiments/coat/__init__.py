"""Coats rated by people who chose them and by people who did not. See README.md."""
