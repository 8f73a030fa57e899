"""Trials of the order on a simulated practice, with an effect and without, from start to end."""
