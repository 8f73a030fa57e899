"""Which rule of promotion serves a small practice: what it promotes, how soon, what that gains."""
