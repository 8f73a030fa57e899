"""Columbia speed dating: a person meets a person once, then rates. See README.md."""
