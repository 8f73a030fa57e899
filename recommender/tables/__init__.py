"""A practice's own tables: read whole, checked whole, every fault with its row and column."""
