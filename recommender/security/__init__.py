"""Scopes and roles, API keys, staff accounts and staff sessions."""
