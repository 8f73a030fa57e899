"""The command: `python -m experiments.insteval`."""

import typer

from experiments.insteval.load import load
from experiments.real_ratings import command

if __name__ == "__main__":
    typer.run(command("insteval", load))
