"""Checks of a deployment, each with a remedy."""
