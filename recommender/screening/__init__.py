"""Constraints applied to a roster, with every reason, and the smallest relaxations."""
