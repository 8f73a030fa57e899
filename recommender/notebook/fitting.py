"""Fits a model to a practice's tables in a notebook, as `recommender train` does."""

import warnings
from dataclasses import replace
from datetime import UTC, datetime

from recommender.errors import RecommenderError, TablesError
from recommender.model.evidence_prior import evidence_model
from recommender.notebook.evaluation import ModelEvaluation, check_evaluation
from recommender.notebook.hyperparameters import Settings, fit_settings, without_effect
from recommender.notebook.practice_model import PracticeModel
from recommender.notebook.progress import shown_progress
from recommender.notebook.tables import PracticeTables, check_loaded
from recommender.training.dataset import Dataset, dataset_of
from recommender.training.enough_ratings import MIN_RATED, refuse_unlearnable, with_interval
from recommender.training.fit import fit as fit_dataset
from recommender.training.report import report_of


def fit(
    tables: PracticeTables,
    *,
    evaluation: ModelEvaluation | None = None,
    settings: Settings | None = None,
    seed: int = 0,
    progress: bool = True,
) -> PracticeModel:
    """Learns from all rated pairings of a practice.

    With fewer than 50 rated pairings it is the evidence prior, of the sizes that the definition
    declares, with a warning.

    Parameters
    ----------
    tables
        Of `load_tables`.
    evaluation
        Of `evaluate` on the same tables: its figures become the report of the model, and its errors
        the interval where there are at least 200, as `recommender train` does. Without it the
        interval is that of out-of-fold errors, and the report has the sizes of the matches alone.
    settings
        Hyperparameters, such as `{"client_num_trees": 50}`; `AllianceRegressor` lists them. Those
        of trees that are not grown yet, with too few rated pairings, get a warning.
    seed
        Everything random follows from it: equal tables, settings and seed give an equal digest.
    progress
        Whether a line with the present step is shown.

    Raises
    ------
    RecommenderError
        When nothing can be learned: ratings all alike, of one clinician, or of fewer than three
        clients; or an argument is of another type, or a setting is not known.

    Examples
    --------
    >>> model = recommender.fit(load_tables(folder, practice), progress=False)
    >>> model.manifest.mode, model.manifest.pairings, model.matches["match"].iloc[0]
    ('model', 95, 'guidance_apart')
    """
    check_loaded(tables)
    if evaluation is not None:
        check_evaluation("evaluation", evaluation)
    chosen = fit_settings(settings, seed)
    practice = tables.practice
    dataset = _rated(tables)
    if dataset is None or len(dataset) < MIN_RATED:
        rated = 0 if dataset is None else len(dataset)
        text = f"{rated} pairings are rated, fewer than {MIN_RATED}: nothing is learned yet"
        warnings.warn(
            f"{text}; the model is of the sizes that the definition declares", stacklevel=2
        )
        prior = evidence_model(
            practice,
            tables.checked.clinicians,
            tables.checked.clinician_ids,
            data_digest=tables.checked.digest,
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            seed=seed,
        )
        return PracticeModel(prior, "Of the sizes that the definition declares.")
    idle = without_effect(settings, len(dataset), chosen)
    if idle:
        warnings.warn(
            f"{', '.join(idle)} cannot act: trees of pairings are grown from "
            f"{chosen.fewest_for_trees:,} rated pairings on (`fewest_for_trees`), and "
            f"{len(dataset):,} are rated",
            stacklevel=2,
        )
    refuse_unlearnable(dataset)
    with shown_progress("Fitting", show=progress) as report_step:
        fitted = fit_dataset(
            dataset, None, chosen, report_step, now=datetime.now(UTC), with_matches=True
        )
    model, source, report = fitted.model, None, fitted.model.report
    if evaluation is not None:
        _check_tables(evaluation, dataset)
        model, source = with_interval(model, evaluation.evaluation)
        report = report_of(evaluation.evaluation, practice, ranges_from=source)
    report = report.model_copy(update={"matches": fitted.matches})
    return PracticeModel(replace(model, report=report), "Fitted in this session.")


def _rated(tables: PracticeTables) -> Dataset | None:
    """The rated pairings; None where no rating counts as an early one."""
    try:
        return dataset_of(tables.checked, tables.practice)
    except TablesError:
        # Checked tables lack only this.
        return None


def _check_tables(evaluation: ModelEvaluation, dataset: Dataset) -> None:
    if evaluation.data_digest != dataset.digest:
        remedy = "evaluate these tables, or leave it out"
        raise RecommenderError("evaluation", "is of other tables", remedy)
