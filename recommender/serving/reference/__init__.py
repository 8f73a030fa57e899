"""The reference page `/docs`: how to begin, and every operation, made from the contract."""
