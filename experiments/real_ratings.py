"""Real ratings of people by people, run through the engine as if a practice had sent them.

What the experiments on public data sets share: their tables go through the door every practice
uses, their protocols become folds, and what is measured becomes one table a protocol. No row of a
data set is ever written outside a folder that is gone afterwards.
"""

import shlex
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from experiments.within_client_ranking import WITHIN_CLIENT
from recommender.errors import RecommenderError, TablesError
from recommender.practice.definition import Practice
from recommender.tables.loader import read_tables
from recommender.tables.report import check_tables
from recommender.training.baselines import OURS
from recommender.training.dataset import Dataset, dataset_of
from recommender.training.evaluate import DRAWS, Evaluation, evaluate
from recommender.training.figures import METRICS
from recommender.training.folds import Fold, folds_from_file
from recommender.training.tree_fitting import FitSettings

DATA = Path("../shared/data")
"""Where the data sets are, from the root of the repository."""
WIDTH = 140
SHOWN = (
    "RMSE",
    "NDCG@5",
    "Spearman",
    "pairs in order",
    "client-adjusted partial",
    "dyad partial",
)


@dataclass(frozen=True, slots=True)
class Protocol:
    """One way to hold ratings back.

    Attributes
    ----------
    name, meaning
        What it is called, in a word, and what is held back, in a sentence.
    splits
        Each a name of a test fold for some pairings, by pairing id; the others are learned from.
        Several, when one pairing is tested more than once.
    forward
        Whether pairings that began no earlier than the first tested one are left out of learning.
    practice
        The definition to read the tables with; None for that of the data set.
    """

    name: str
    meaning: str
    splits: tuple["pd.Series[str]", ...]
    forward: bool = False
    practice: Practice | None = None


@dataclass(frozen=True, slots=True)
class RealRatings:
    """A data set as a practice would send it.

    Attributes
    ----------
    title
        Of the data set.
    practice
        Its definition.
    tables
        clients, clinicians, pairings and ratings, as cells.
    rows
        Rows of the file it came from.
    notes
        What was left out or made up on the way, counted, a sentence each.
    protocols
        Ways to hold ratings back.
    """

    title: str
    practice: Practice
    tables: Mapping[str, pd.DataFrame]
    rows: int
    notes: tuple[str, ...]
    protocols: tuple[Protocol, ...]

    def chosen(self, name: str | None) -> tuple[Protocol, ...]:
        """The protocol of a name, or all when none is given."""
        found = tuple(each for each in self.protocols if name in (None, each.name))
        if not found:
            known = ", ".join(each.name for each in self.protocols)
            raise RecommenderError("protocol", "is not known", f"choose from {known}")
        return found


@dataclass(frozen=True, slots=True)
class Result:
    """What came out of one protocol."""

    protocol: Protocol
    learned: tuple[int, ...]
    tested: int
    seconds: float
    evaluation: Evaluation


def single_ratings(
    pairings: pd.DataFrame, score: "NDArray[Any] | pd.Series[Any]", practice: Practice
) -> pd.DataFrame:
    """The table of ratings of pairings that were rated once, on the day they began."""
    return pairings[["pairing_id"]].assign(
        session=1,
        rated_on=pairings["started_on"],
        instrument=practice.alliance.reference,
        rater=practice.alliance.rater,
        metric="mean",
        score=score,
    )


def write_tables(tables: Mapping[str, pd.DataFrame], folder: Path) -> None:
    """The tables as CSV files; cells that are NaN stay empty."""
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False)


def open_dataset(ratings: RealRatings, practice: Practice | None = None) -> Dataset:
    """The rated pairings, after the checks a practice's own tables get.

    Read with a definition in place of the data set's own, where one is given.

    Raises
    ------
    TablesError
        With every fault of the tables.
    """
    practice = practice or ratings.practice
    with TemporaryDirectory() as directory:
        folder = Path(directory)
        write_tables(ratings.tables, folder)
        faults = check_tables(folder, practice).faults
        if faults:
            raise TablesError([fault.to_fault() for fault in faults])
        return dataset_of(read_tables(folder, practice, None), practice)


def open_each(ratings: RealRatings, protocols: Sequence[Protocol]) -> list[Dataset]:
    """The data set as each protocol reads it, opened once for each definition."""
    opened: dict[str, Dataset] = {}
    for protocol in protocols:
        practice = protocol.practice or ratings.practice
        if practice.digest not in opened:
            opened[practice.digest] = open_dataset(ratings, practice)
    return [opened[(each.practice or ratings.practice).digest] for each in protocols]


def folds_of(dataset: Dataset, protocol: Protocol) -> tuple[Fold, ...]:
    """The folds of a protocol, read from CSV files as a data scientist would give them."""
    folds: list[Fold] = []
    with TemporaryDirectory() as directory:
        path = Path(directory) / "folds.csv"
        for split in protocol.splits:
            split.rename("fold").rename_axis("pairing_id").to_csv(path)
            folds += folds_from_file(dataset, path)
    return tuple(_before(dataset, fold) if protocol.forward else fold for fold in folds)


def _before(dataset: Dataset, fold: Fold) -> Fold:
    """The fold, learned only from what was known before its first tested pairing began."""
    known = dataset.known[fold.train] < dataset.started[fold.test].min()
    return replace(fold, train=fold.train[known])


def measure(
    dataset: Dataset, protocol: Protocol, settings: FitSettings, *, draws: int = DRAWS
) -> Result:
    """Every learner on every fold of a protocol."""
    folds = folds_of(dataset, protocol)
    began = time.perf_counter()
    metrics = {**METRICS, **WITHIN_CLIENT}
    evaluation = evaluate(dataset, folds, settings, _tell, draws=draws, metrics=metrics)
    seconds = time.perf_counter() - began
    learned = tuple(len(fold.train) for fold in folds)
    return Result(protocol, learned, sum(len(fold.test) for fold in folds), seconds, evaluation)


def _tell(step: str, done: float) -> None:
    typer.echo(f"  {done:4.0%} {step}", err=True)


def cells_of(evaluation: Evaluation) -> list[tuple[str, ...]]:
    """A row a learner, ours last: its name, then each metric with its interval."""
    learners = [*(name for name in evaluation.scores if name != OURS), OURS]
    return [
        (learner, *(_cell(evaluation, learner, metric) for metric in SHOWN)) for learner in learners
    ]


def _cell(evaluation: Evaluation, learner: str, metric: str) -> str:
    table = evaluation.table
    found = table[(table["learner"] == learner) & (table["metric"] == metric)]
    if found.empty:
        return "-"
    value, low, high = found[["value", "low", "high"]].to_numpy(dtype=np.float64)[0]
    return f"{value:.3f} [{low:.3f}, {high:.3f}]"


def rich_table(result: Result) -> Table:
    """The result for a terminal."""
    table = Table("learner", *SHOWN, title=f"{result.protocol.name}: {result.protocol.meaning}")
    for cells in cells_of(result.evaluation):
        table.add_row(*(escape(cell.replace(" [", "\n[")) for cell in cells))
    return table


def markdown(ratings: RealRatings, results: list[Result], command: str, today: date) -> str:
    """All results as a page."""
    lines = [
        f"# Results: {ratings.title}",
        "",
        f"Measured on {today.isoformat()} by `{command}`, on {ratings.rows:,} rows.",
        "",
        *(f"- {note}" for note in ratings.notes),
        "",
        "In brackets the 95 % interval of a bootstrap over clients and clinicians. RMSE is in "
        "points of the rating. NDCG@5, Spearman and pairs in order (chance .5) are means over the "
        "lists of clients with at least three tested ratings that differ; NDCG is read beside "
        "random.",
    ]
    for result in results:
        lines += ["", f"## {result.protocol.name.capitalize()}", "", *_section(result)]
    return "\n".join(lines) + "\n"


def _section(result: Result) -> list[str]:
    learned = ", ".join(f"{size:,}" for size in result.learned)
    said = f"{result.protocol.meaning} Learned from {learned} ratings; {result.tested:,} tested."
    rows = ["| " + " | ".join(cells) + " |" for cells in cells_of(result.evaluation)]
    head = "| " + " | ".join(("learner", *SHOWN)) + " |"
    return [said, "", head, "|---" * (len(SHOWN) + 1) + "|", *rows]


def command(name: str, load: Callable[[Path], RealRatings]) -> Callable[..., None]:
    """The command of one data set: measures, prints and writes `results.md` beside its loader."""
    folder = Path(__file__).parent / name

    def main(
        data: Annotated[Path, typer.Option(help="Folder that has the data set.")] = DATA / name,
        protocol: Annotated[
            str | None, typer.Option(help="Only this protocol; nothing is written then.")
        ] = None,
        seed: Annotated[int, typer.Option(help="Of the learners.")] = 0,
        draws: Annotated[int, typer.Option(help="Draws of the bootstrap.")] = DRAWS,
        write: Annotated[bool, typer.Option(help="Write results.md.")] = True,
    ) -> None:
        """Runs the engine and its baselines on the data set."""
        said = shlex.join(["python", "-m", f"experiments.{name}", *sys.argv[1:]])
        try:
            ratings = load(data)
            chosen = ratings.chosen(protocol)
            datasets = open_each(ratings, chosen)
        except (RecommenderError, OSError, ValueError) as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(2) from None
        typer.echo("\n".join(ratings.notes))
        console, results = Console(width=WIDTH), []
        for each, dataset in zip(chosen, datasets, strict=True):
            results.append(measure(dataset, each, FitSettings(seed=seed), draws=draws))
            console.print(rich_table(results[-1]))
            typer.echo(f"{results[-1].seconds:.0f} s")
        if write and protocol is None:
            text = markdown(ratings, results, said, datetime.now(UTC).date())
            (folder / "results.md").write_text(text, encoding="utf-8")

    return main
