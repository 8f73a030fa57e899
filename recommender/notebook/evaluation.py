"""Measures on held-out pairings in a notebook: ours beside baselines, and two runs compared."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from recommender.errors import RecommenderError
from recommender.model.claims import claims_of
from recommender.model.evaluation_report import (
    COMPOSITE,
    NO_DROPOUTS,
    PARTIAL,
    EvaluationReport,
    interval_text,
)
from recommender.notebook import arguments, html
from recommender.notebook.hyperparameters import Settings, fit_settings
from recommender.notebook.progress import shown_progress
from recommender.notebook.tables import PracticeTables, check_loaded
from recommender.practice.definition import Practice
from recommender.training import folds
from recommender.training.baselines import OURS
from recommender.training.dataset import Dataset, dataset_of
from recommender.training.evaluate import DRAWS, Evaluation
from recommender.training.evaluate import evaluate as evaluate_dataset
from recommender.training.figures import ends_of
from recommender.training.report import report_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Split = Literal["forward", "rolling", "clients", "clinicians"]
SPLITS: Mapping[str, Callable[[Dataset], tuple[folds.Fold, ...]]] = {
    "forward": folds.forward,
    "rolling": folds.rolling,
    "clients": folds.clients_left_out,
    "clinicians": folds.clinicians_left_out,
}
FIGURES = ("baselines", "calibration", "gain", "coverage")
"""What `ModelEvaluation.figure` draws."""


@dataclass(frozen=True, slots=True, eq=False)
class ModelEvaluation:
    """Figures of our learner and of every baseline on the same held-out pairings.

    Attributes
    ----------
    practice, split
        What was evaluated, and how pairings were held out.
    evaluation
        Scores and figures by draw.
    report
        The figures that may be shown; those of fewer than 10 clients are not among them.
    data_digest
        Of the tables.

    Examples
    --------
    >>> tables = load_tables(folder, practice)
    >>> measured = recommender.evaluate(tables, draws=20, progress=False)
    >>> measured  # doctest: +NORMALIZE_WHITESPACE
    <ModelEvaluation corner, forward: 19 held-out ratings, 6 dropouts,
    composite 0.601 (0.15 to 0.91)>
    >>> measured.figures.columns.tolist()
    ['learner', 'metric', 'value', 'low', 'high']
    """

    practice: Practice
    split: str
    evaluation: Evaluation = field(repr=False)
    report: EvaluationReport = field(repr=False)
    data_digest: str = field(repr=False)

    @property
    def figures(self) -> pd.DataFrame:
        """learner, metric, value, low, high (95 % bootstrap by client and clinician).

        No composite where no held-out pairing ended before a rating: see `NO_DROPOUTS`.
        """
        return _estimates(self.report.as_read.figures, ["learner", "metric"])

    @property
    def differences(self) -> pd.DataFrame:
        """baseline, metric, value, low, high: ours minus each baseline, on the same draws."""
        return _estimates(self.report.as_read.differences, ["baseline", "metric"])

    @property
    def coverage(self) -> pd.DataFrame:
        """among, rated, level, coverage, low, high: stated and observed interval coverage."""
        columns = ["among", "rated", "level", "coverage", "low", "high"]
        rows = [[getattr(each, name) for name in columns] for each in self.report.ranges]
        frame = pd.DataFrame(rows, columns=columns)
        return frame.astype(dict.fromkeys(columns[2:], np.float64))

    @property
    def claims(self) -> tuple[str, ...]:
        """Whether the gains are shown, in sentences, each with the figure it rests on."""
        return tuple(f"{claim.title}. {claim.text}" for claim in claims_of(self.report))

    def wide(self, *metrics: str) -> pd.DataFrame:
        """A row a learner and a column a metric, each cell a value with its interval as text."""
        figures = self.figures
        shown = metrics or tuple(dict.fromkeys(figures["metric"]))
        texts = [interval_text(each) for each in self.report.as_read.figures]
        frame = figures.assign(text=texts)[figures["metric"].isin(shown)]
        wide = frame.pivot(index="learner", columns="metric", values="text")
        learners = list(dict.fromkeys(frame["learner"]))
        return wide.reindex(index=learners, columns=[m for m in shown if m in wide.columns])

    def minus(self, other: "ModelEvaluation") -> pd.DataFrame:
        """Our figures here minus those of another run, on the same draws of the same pairings.

        Returns
        -------
        DataFrame
            metric, value, low, high, share_above: the difference with its 95 % interval, and the
            share of draws in which it is above 0. An interval that includes 0 may be chance. For
            RMSE, below 0 is the gain.

        Raises
        ------
        RecommenderError
            When the two did not hold out the same pairings, or drew otherwise.
        """
        check_evaluation("other", other)
        here, there = self.evaluation, other.evaluation
        one, two = here.held_out, there.held_out
        same = (
            self.data_digest == other.data_digest
            and (here.seed, here.draws) == (there.seed, there.draws)
            and np.array_equal(one.client, two.client)
            and np.array_equal(one.clinician, two.clinician)
        )
        if not same:
            remedy = "evaluate both on the same tables, with the same split, draws and seed"
            raise RecommenderError("other", "was measured on other pairings or draws", remedy)
        rows, shown = [], {each.metric for each in self.report.as_read.figures}
        for metric, by_learner in here.sampled.items():
            if metric in there.sampled and metric in shown:
                difference = by_learner[OURS] - there.sampled[metric][OURS]
                drawn = difference[1:][np.isfinite(difference[1:])]
                above = float((drawn > 0).mean()) if len(drawn) else float("nan")
                rows.append((metric, *ends_of(difference), above))
        return pd.DataFrame(rows, columns=["metric", "value", "low", "high", "share_above"])

    def figure(self, name: str = "baselines") -> "Figure":
        """A figure: `baselines`, `calibration`, `gain` or `coverage`.

        Raises
        ------
        RecommenderError
            When there is no figure of this name.
        """
        from recommender.training.plots import draw

        if name not in FIGURES:
            raise RecommenderError("figure", "is not known", f"name one of {', '.join(FIGURES)}")
        return draw(self.evaluation, self.practice)[name].figure

    def __repr__(self) -> str:
        return f"<ModelEvaluation {self.practice.id}, {self.split}: {self._in_short()}>"

    def _in_short(self) -> str:
        report = self.report
        rated, metric = f"{report.rated or 0:,} held-out ratings", PARTIAL
        if not report.is_without_dropouts:
            rated, metric = f"{rated}, {report.left_unrated or 0:,} dropouts", COMPOSITE
        for each in report.figures:
            if (each.learner, each.metric) == (OURS, metric):
                return f"{rated}, {metric} {interval_text(each)}"
        return f"{rated}, too few for figures"

    def _repr_html_(self) -> str:
        wide = self.wide().reset_index()
        return html.block(
            f"{self.practice.title}: {self.report.rated or 0:,} held-out ratings, {self.split}",
            html.table(wide, "Ours beside the baselines, with 95 % intervals:"),
            *([html.paragraph(NO_DROPOUTS)] if self.report.is_without_dropouts else []),
            html.table(self.coverage.dropna(), "Interval coverage:"),
            html.bullets(self.claims),
        )


def evaluate(
    tables: PracticeTables,
    *,
    split: Split = "forward",
    settings: Settings | None = None,
    seed: int = 0,
    draws: int = DRAWS,
    progress: bool = True,
) -> ModelEvaluation:
    """Fits our learner and every baseline anew on a part of the pairings, and measures on the rest.

    Parameters
    ----------
    tables
        Of `load_tables`.
    split
        What is held out: `forward`, the last fifth of pairings to begin; `rolling`, the last four
        tenths, a tenth at a time; `clients` or `clinicians`, people without a training row.
    settings, seed, progress
        As in `fit`.
    draws
        Of the bootstrap.

    Raises
    ------
    TablesError
        When no rating counts as an early one.
    RecommenderError
        When an argument is of another type, the pairings cannot be split so, or a setting is not
        known.
    """
    check_loaded(tables)
    arguments.whole_number("draws", draws)
    arguments.expect("split", split, str, f"choose from {', '.join(SPLITS)}")
    if split not in SPLITS:
        raise RecommenderError("split", "is not known", f"choose from {', '.join(SPLITS)}")
    chosen = fit_settings(settings, seed)
    dataset = dataset_of(tables.checked, tables.practice)
    held_out = SPLITS[split](dataset)
    with shown_progress("Measuring", show=progress) as report_step:
        evaluation = evaluate_dataset(dataset, held_out, chosen, report_step, draws=draws)
    report = report_of(evaluation, tables.practice)
    return ModelEvaluation(tables.practice, split, evaluation, report, dataset.digest)


def check_evaluation(name: str, given: object) -> None:
    """Refuses what is not of `evaluate`.

    Raises
    ------
    RecommenderError
    """
    remedy = "give what recommender.evaluate returned"
    arguments.expect(name, given, ModelEvaluation, remedy)


def _estimates(rows: tuple[object, ...], names: list[str]) -> pd.DataFrame:
    columns = [*names, "value", "low", "high"]
    cells = [[getattr(row, name) for name in columns] for row in rows]
    frame = pd.DataFrame(cells, columns=columns)
    return frame.astype(dict.fromkeys(columns[len(names) :], np.float64))
