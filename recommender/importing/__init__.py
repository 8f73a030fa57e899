"""Brings records of a practice's own systems into the four tables: pseudonyms, report, output."""
