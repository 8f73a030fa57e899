"""Exports of a simulated practice, in the shapes that practice systems write."""
