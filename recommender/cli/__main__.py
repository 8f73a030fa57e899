"""Runs the command line: `python -m recommender.cli`."""

from recommender.cli.main import app

app()
