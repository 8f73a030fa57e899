"""Fits an alliance model to rated pairings: features, client part, records, mixed model, trees.

Whatever is not an answer, a rating or a setting comes from the seed, so equal tables and settings
give equal bytes.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from importlib.metadata import version

import numpy as np
from threadpoolctl import threadpool_limits

from recommender.compute.runner import Progress
from recommender.errors import RecommenderError
from recommender.features.feature import Array
from recommender.features.pipeline import Pairs
from recommender.model.additive import Codes
from recommender.model.alliance_model import MODEL, AllianceModel, Manifest, PredictionInterval
from recommender.model.evaluation_report import MatchEstimates
from recommender.model.trees.ensemble import Trees
from recommender.pooling.pooled_slopes import contributors_of
from recommender.training.dataset import Dataset, Labels, RowIndex
from recommender.training.fit_preparation import PreparedFit, prepare
from recommender.training.match_estimates import match_estimates
from recommender.training.tree_fitting import FitSettings, TreeInput, fit_trees

MIN_CLIENTS = 3
"""With one of them held back, two are left, and a slope can be fitted to them."""


@dataclass(frozen=True, slots=True)
class OutOfFold:
    """The pairings learned from, scored by models that did not see their client.

    Rated pairings first, then dropouts.

    Attributes
    ----------
    train, dropouts
        Their rows among the rated pairings, and among the dropouts, of the data set.
    pairs
        Of all n.
    fold : (n,) int
    expected : (n,)
        The client part.
    pairing : (n,)
        NaN in folds that were not held out.
    """

    train: RowIndex
    dropouts: RowIndex
    pairs: Pairs
    fold: Codes
    expected: Array
    pairing: Array


@dataclass(frozen=True, slots=True)
class FitResult:
    """A model and what evaluation needs of its training.

    Attributes
    ----------
    model
        What goes into the bundle.
    labels
        Of all pairings of the data set, on the training rows' scale.
    known_client : (clients,)
        What a client who has rated would rate an average clinician: their answers' prediction by
        a model that did not see them, and their own effect. NaN for all others. Never part of the
        bundle: it belongs to known clients, and orders nothing.
    out_of_fold : (train,)
        Predicted alliance of the training rows by models that did not see the client; NaN where
        none was needed.
    scores_out_of_fold
        The same in its two parts, with the dropouts.
    matches
        How much each declared match matters; None where it was not asked for.
    """

    model: AllianceModel
    labels: Labels
    known_client: Array
    out_of_fold: Array
    scores_out_of_fold: OutOfFold
    matches: MatchEstimates | None = None


def fit(
    dataset: Dataset,
    train: RowIndex | None = None,
    settings: FitSettings | None = None,
    progress: Progress = lambda step, done: None,
    *,
    now: datetime | None = None,
    with_matches: bool = False,
) -> FitResult:
    """Fits an alliance model to the training rows (all when none are named).

    `now` is only stored; nothing learned depends on it. `with_matches` also estimates how much each
    match matters, which takes a twentieth of the time.

    Raises
    ------
    RecommenderError
        When fewer clients rated than there are folds, or there is one fold: nothing could be held
        back.

    Examples
    --------
    >>> model = fit(dataset).model
    >>> model.manifest.mode, model.manifest.pairings == len(dataset)
    ('model', True)
    """
    settings = settings or FitSettings()
    train = np.arange(len(dataset)) if train is None else train
    clients = len(np.unique(dataset.pairs.client[train]))
    if settings.folds < 2:
        raise RecommenderError("folds", "are fewer than 2", "hold back a part of the clients")
    if clients < max(settings.folds, MIN_CLIENTS):
        least = max(settings.folds, MIN_CLIENTS)
        problem = f"come from {clients} clients, fewer than {least}"
        remedy = "check the column client_id, or wait until more clients have rated"
        raise RecommenderError("ratings", problem, remedy)
    # The last digits of a matrix product follow the number of threads: with one, equal tables give
    # equal bytes on every machine.
    with threadpool_limits(1, user_api="blas"):
        prepared = prepare(dataset, train, settings, progress)
        fitted = finish(prepared, settings, progress)
        matches = match_estimates(prepared) if with_matches else None
    created_at = now.isoformat(timespec="seconds") if now else ""
    manifest = replace(fitted.model.manifest, created_at=created_at)
    model = replace(fitted.model, manifest=manifest)
    return replace(fitted, model=model, matches=matches)


def finish(
    prepared: PreparedFit,
    settings: FitSettings,
    progress: Progress = lambda step, done: None,
) -> FitResult:
    """Fits the trees to a preparation, weighs them out of fold, and builds the model.

    The settings may differ from those it was prepared with in the trees of the pairing part alone.
    """
    rated, pairs = prepared.learned.rated, prepared.learned.pairs
    progress("trees", 0.7)
    trees, held_out = _trees(prepared, settings)
    share = 0.0 if held_out is None else _share(prepared, held_out)
    pairing = prepared.held_out
    if held_out is not None:
        pairing = (1 - share) * pairing + share * held_out
    predicted = prepared.client.expected + pairing[:rated]
    error = prepared.labels.alliance[prepared.train] - predicted
    measured = np.isfinite(error)
    # The level is learned with dropouts imputed as low; predictions are for clients who stay.
    offset = float(np.average(error[measured], weights=prepared.learned.weight[:rated][measured]))
    level = prepared.dataset.practice.alliance.interval
    model = AllianceModel(
        manifest=_manifest(prepared, settings),
        pipeline=prepared.pipeline,
        linker=prepared.labels.linker,
        client_trees=prepared.client.trees,
        client_mean=prepared.client.mean,
        client_tree_weight=prepared.client.share,
        additive=prepared.additive,
        trees=trees,
        tree_weight=share,
        survivor_offset=offset,
        records=prepared.records,
        clinician_ids=prepared.dataset.clinician_ids,
        interval=prediction_interval(error[measured] - offset, level),
    )
    progress("done", 1.0)
    known = np.full(prepared.dataset.clients.size, np.nan)
    client = pairs.client[:rated]
    # The final trees saw these clients: their prediction already holds part of the effect.
    known[client] = prepared.client.expected + prepared.effect[client]
    scores = _out_of_fold(prepared, model, pairing)
    return FitResult(model, prepared.labels, known, predicted + offset, scores)


def _out_of_fold(prepared: PreparedFit, model: AllianceModel, pairing: Array) -> OutOfFold:
    learned, dataset = prepared.learned, prepared.dataset
    # All dropouts are learned from, or none.
    left = dataset.dropouts_with(prepared.train)[: len(pairing) - learned.rated]
    rows = prepared.pipeline.client_rows(dataset.clients.take(dataset.dropouts.client[left]))
    expected = np.concatenate([prepared.client.expected, model.client_part(rows)])
    return OutOfFold(prepared.train, left, learned.pairs, learned.fold, expected, pairing)


def prediction_interval(error: Array, level: float) -> PredictionInterval:
    """The interval of errors that holds `level` of new ratings (split conformal, Vovk et al. 2005).

    Quantiles are taken one rank further out, so that the stated share holds for the next rating.
    """
    n, tail = len(error), (1 - level) / 2
    beyond = min((n + 1) * (1 - tail) / n, 1.0)
    low = -np.quantile(-error, beyond, method="higher")
    return PredictionInterval(float(low), float(np.quantile(error, beyond, method="higher")))


def _trees(prepared: PreparedFit, settings: FitSettings) -> tuple[Trees | None, Array | None]:
    """Trees of all rows, and each row's score by trees that did not see its client."""
    learned = prepared.learned
    if learned.rated < settings.fewest_for_trees:
        return None, None
    cells = learned.rows.model_columns()
    parameters = settings.pairing.parameters(settings.seed, cells.size)
    tree_input = TreeInput(cells, prepared.target, learned.weight, parameters)
    return fit_trees(tree_input, learned.fold, prepared.held_out_folds, settings.tree_fitter)


def _share(prepared: PreparedFit, trees: Array) -> float:
    """The weight of the trees in the mean of both estimates, 0 to 1.

    With d the difference of the two estimates, e the mixed model's error and w the weights,
    `sum(w e d) / sum(w d^2)` has the least squared error; one standard error is subtracted, since
    few ratings determine the weight poorly, and a wrong weight costs more than none.
    """
    difference = trees - prepared.held_out
    measured = np.isfinite(difference)
    difference, weight = difference[measured], prepared.learned.weight[measured]
    error = (prepared.target - prepared.held_out)[measured]
    size = float(weight @ difference**2)
    if size == 0:
        return 0.0
    share = float(weight @ (error * difference)) / size
    standard_error = float(np.sqrt(np.average(error**2, weights=weight) / size))
    return float(np.clip(share - standard_error, 0.0, 1.0))


def _manifest(prepared: PreparedFit, settings: FitSettings) -> Manifest:
    dataset, train = prepared.dataset, prepared.train
    practice, started = dataset.practice, dataset.started[train]
    first, last, known = (
        str(np.datetime64(int(day), "D"))
        for day in (started.min(), started.max(), dataset.known[train].max())
    )
    return Manifest(
        mode=MODEL,
        created_at="",
        practice_id=practice.id,
        practice_version=practice.version,
        practice_digest=practice.digest,
        data_digest=dataset.digest,
        ratings=int(dataset.rated_rows(train).sum()),
        pairings=len(train),
        left_unrated=len(prepared.learned.residual) - prepared.learned.rated,
        first_day=first,
        last_day=last,
        known_until=known,
        seed=settings.seed,
        features=tuple(feature.name for feature in prepared.pipeline.features),
        learned_from=contributors_of(settings.pool),
        versions={name: version(name) for name in ("lightgbm", "numpy", "recommender")},
    )
