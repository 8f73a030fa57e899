"""What the journal promises on bad days, measured: writers killed, servers cut, many at once."""
