"""Predicts the early working alliance of a new client with each clinician of a practice.

The package itself imports nothing, so that every room can be read and loaded alone.
"""
