"""Checks that a synchronisation with Cliniko only reads, and ends alike after interruptions."""
