"""How long work tells how far it is. Imported by whatever takes minutes, and by the terminal."""

from collections.abc import Callable

Progress = Callable[[str, float], None]
"""Told the step and how much of the whole is done, 0 to 1."""
