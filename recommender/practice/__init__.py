"""The practice definition: fields, matches, constraints and funding, read from one TOML file."""
