"""The sample practice's model: simulated ratings of its clinicians, training, promotion."""

import os
import subprocess
import sys
from datetime import date
from importlib.util import find_spec
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


def check_installed() -> None:
    """Ends the demo, before it deletes or writes anything, where its commands could not run."""
    remedy = "run `pip install -e '.[train]'` in the clone with the environment of this Python"
    command = recommender()[0]
    if not Path(command).is_file():
        raise SystemExit(f"demo: {command} is missing; {remedy}")
    missing = [name for name in ("lightgbm", "mlflow", "sklearn") if find_spec(name) is None]
    if missing:
        raise SystemExit(f"demo: needs {', '.join(missing)}, not installed; {remedy}")
    # As the command finds it: without this folder, which `python -m` puts first.
    code = "import recommender; print(recommender.__file__)"
    found = subprocess.run(
        [sys.executable, "-P", "-c", code], check=False, capture_output=True, text=True
    )
    package = Path(found.stdout.strip()).parent
    if found.returncode or not (package.with_name("experiments") / "simulated_practice").is_dir():
        problem = "the installed recommender is a copy, without the simulator of the clone"
        raise SystemExit(f"demo: {problem}; {remedy}")


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
