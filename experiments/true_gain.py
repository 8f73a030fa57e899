"""What a published model gains on the simulated practice it learned from, logged with its run.

`python -m experiments.true_gain FOLDER --registry sqlite:///var/mlflow.db` adds the metrics
`cap_share` and `share` (see `experiments.known_truth`) to the run of the newest training.
"""

from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.console import Console

from experiments.known_truth import cap_share, served_scores, share, truth_beside
from recommender.model.alliance_model import AllianceModel
from recommender.model.bundle.io import load_bundle
from recommender.registry.registry import Registry
from recommender.registry.versions import CHALLENGER
from recommender.tables.loader import read_tables
from recommender.training.dataset import dataset_of
from recommender.training.mlflow_run import TrackedRun

out = Console(width=100)


def true_gain(folder: Path, model: AllianceModel) -> dict[str, float]:
    """`cap_share` and `share` of a model on the test clients of a simulated practice.

    Parameters
    ----------
    folder
        As `recommender simulate` writes it, with `truth/` in it.
    model
        Learned with the same definition.
    """
    practice = model.practice
    tables = read_tables(folder, practice, None)
    dataset = dataset_of(tables, practice)
    truth, clients = truth_beside(folder, dataset, practice)
    scores = served_scores(model, tables.roster(datetime.now(UTC)), clients, truth)
    return {"cap_share": cap_share(truth, scores), "share": share(truth, scores)}


def main(
    folder: Annotated[Path, typer.Argument(help="A folder that `recommender simulate` wrote.")],
    registry: Annotated[str, typer.Option(help="mlflow, as in `recommender train`.")],
    version: Annotated[str, typer.Option(help="A number or an alias.")] = CHALLENGER,
) -> None:
    """Prints both figures and adds them to the run that trained the version."""
    published = Registry(registry)
    chosen = published.resolve(version)
    with TemporaryDirectory() as workspace:
        model = load_bundle(published.fetch(chosen.version, Path(workspace)))
    gain = true_gain(folder, model)
    TrackedRun(published, chosen.run_id).log_metrics(gain)
    figures = ", ".join(f"{name} {value:.3f}" for name, value in gain.items())
    out.print(f"Version {chosen.version}: {figures}; logged with its run.", highlight=False)


if __name__ == "__main__":
    typer.run(main)
