"""Writes the sample practice into a folder: definition, roster, and tables to train with.

`python -m experiments.demo.sample FOLDER`. Files it wrote before are replaced; others stay.
"""

import shutil
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from experiments.demo.practice import write_clinicians, write_definition
from recommender.practice.definition import shipped_practice

RATINGS, SEED = 1_500, 1
"""As in `make demo`."""


def write_sample(folder: Path) -> None:
    """Writes `practice.toml`, `clinicians.csv`, and the folder `tables`.

    Raises
    ------
    CalledProcessError
        When the ratings cannot be simulated; the reason is on standard error.
    """
    today = datetime.now(ZoneInfo(shipped_practice().timezone)).date()
    folder.mkdir(parents=True, exist_ok=True)
    write_definition(folder / "practice.toml", today)
    write_clinicians(folder / "clinicians.csv", today)
    shutil.rmtree(folder / "tables", ignore_errors=True)
    command = [sys.executable, "-m", "experiments.simulated_practice"]
    command += ["--out", str(folder / "tables"), "--roster", str(folder / "clinicians.csv")]
    command += ["--exported-on", today.isoformat()]
    command += ["--ratings", str(RATINGS), "--seed", str(SEED)]
    subprocess.run(command, check=True)


if __name__ == "__main__":
    write_sample(Path(sys.argv[1]))
