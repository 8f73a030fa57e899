"""Constraint rules: what each checks, how it judges a roster and which changes would meet it."""
