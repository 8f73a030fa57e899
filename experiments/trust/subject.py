"""What the parts are tried on: a model of a simulated practice, its roster and a request."""

import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from recommender.model.bundle.io import save_bundle
from recommender.practice.definition import shipped_practice
from recommender.tables.loader import read_tables
from recommender.training.dataset import dataset_of
from recommender.training.fit import fit

CLIENT = Path(__file__).parents[1] / "demo" / "client.json"
CLINICIANS, RATINGS = 50, 2_000


@dataclass(frozen=True, slots=True)
class Subject:
    """What a part may use and must leave as it is.

    Attributes
    ----------
    bundle
        Directory of a real bundle, with trees for the client and for the pairing part.
    roster
        The practice's clinicians, a `.csv`.
    request
        Body of a recommendation request that predicts.
    workspace
        Empty or new; for whatever a part writes.
    practice
        The definition of all that, as a command is given it.
    """

    bundle: Path
    roster: Path
    request: bytes
    workspace: Path
    practice: str = "psychology"


def simulated_subject(
    directory: Path, *, clinicians: int = CLINICIANS, ratings: int = RATINGS
) -> Subject:
    """A subject learned by shipped settings from a simulated practice; some ten seconds."""
    tables, bundle = directory / "practice", directory / "bundle"
    size = ["--clinicians", clinicians, "--ratings", ratings, "--test-clients", 10, "--seed", 1]
    line = [sys.executable, "-m", "experiments.simulated_practice", "--out", tables, *size]
    subprocess.run(list(map(str, line)), check=True, capture_output=True)
    practice = shipped_practice()
    model = fit(
        dataset_of(read_tables(tables, practice, None), practice), now=datetime.now(UTC)
    ).model
    save_bundle(model, bundle)
    return subject_in(directory, directory / "workspace")


def subject_in(directory: Path, workspace: Path) -> Subject:
    """What `simulated_subject` left in a directory, with another workspace."""
    roster = directory / "practice" / "clinicians.csv"
    return Subject(directory / "bundle", roster, CLIENT.read_bytes(), workspace)
