"""Constraints applied to a roster: eligible clinicians, exclusions, smallest relaxations."""
