"""The command: `python -m experiments.coat`."""

import typer

from experiments.coat.load import load
from experiments.real_ratings import command

if __name__ == "__main__":
    typer.run(command("coat", load))
