"""The sample practice's model: simulated ratings of its clinicians, training, promotion."""

import os
import subprocess
import sys
from datetime import date
from pathlib import Path

from rich.console import Console

from experiments.demo.practice import write_clinicians, write_definition

HOME = Path("var/demo")
TABLES, BUNDLES, DRAFT = HOME / "practice", HOME / "bundles", HOME / "clinicians.csv"
DEFINITION, ROSTER = HOME / "practice.toml", TABLES / "clinicians.csv"
REGISTRY = f"sqlite:///{HOME}/mlflow.db"
SERVE = (
    *("serve", "--registry", REGISTRY, "--bundles", BUNDLES),
    *("--practice", DEFINITION, "--roster", ROSTER),
)
console = Console()


def recommender(*words: str | Path) -> list[str]:
    """A command of this project, run with the Python that runs the demo."""
    return [str(Path(sys.executable).with_name("recommender")), *map(str, words)]


def step(heading: str, *words: str | Path, **environment: str) -> None:
    """Runs one command and shows it; the demo ends where a command fails."""
    console.rule(f"[bold]{heading}", align="left")
    console.print(f"$ recommender {' '.join(map(str, words))}", style="dim", highlight=False)
    done = subprocess.run(recommender(*words), check=False, env=os.environ | environment)
    if done.returncode:
        raise SystemExit(done.returncode)


def build(today: date) -> None:
    """Writes the practice, simulates what its clients rated, trains and promotes."""
    HOME.mkdir(parents=True)
    write_definition(DEFINITION, today)
    write_clinicians(DRAFT, today)
    step(
        "1  Simulate what a sample practice's clients rated; the truth is known",
        *("simulate", "--out", TABLES, "--roster", DRAFT, "--exported-on", today.isoformat()),
        *("--ratings", "1500", "--seed", "1"),
    )
    step("2  Check its tables", "check", TABLES, "--practice", DEFINITION)
    training = ("--practice", DEFINITION, "--registry", REGISTRY)
    step("3  Train, measured on later pairings", "train", TABLES, *training)
    reason = ("--reason", "first model of the demo")
    step("4  Promote", "promote", "--registry", REGISTRY, *reason)
