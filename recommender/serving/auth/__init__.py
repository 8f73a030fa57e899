"""Who calls: API keys and sessions, permissions of each operation, rate limits."""
