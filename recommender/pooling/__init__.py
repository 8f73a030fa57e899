"""Learning from other practices without a client's data: contributions, their pool, its prior."""
