"""The command: `python -m experiments.speed_dating`."""

import typer

from experiments.real_ratings import command
from experiments.speed_dating.load import load

if __name__ == "__main__":
    typer.run(command("speed_dating", load))
